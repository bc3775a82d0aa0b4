// A program to be looked at by a debugger: nested calls, a variable that changes, a thread, a signal; -g of gcc.
// variants: glibc-no-pie
// flags: -g -O0 -pthread
#include <pthread.h>
#include <signal.h>
#include <stdio.h>

int counter;
static double ratio = 0.5;

static int leaf(int n)
{
    counter += n;
    return counter * 2;
}

int middle(int n)
{
    int result = leaf(n) + 1;
    ratio *= 1.5;
    return result;
}

static void on_signal(int signo)
{
    printf("signal %d\n", signo);
}

static void *body(void *argument)
{
    return (char *)argument + middle(10);
}

int main(int argc, char **argv)
{
    pthread_t thread;
    (void)argv;
    signal(SIGUSR1, on_signal);
    pthread_create(&thread, NULL, body, NULL);
    pthread_join(thread, NULL);
    for (int i = 1; i < 4; i++)
        printf("%d\n", middle(i));
    raise(SIGUSR1);
    printf("%g\n", ratio);
    return argc - 1;
}
