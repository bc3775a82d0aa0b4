// Timers and signals that interrupt a computation; prints where they did with an argument. setitimer(2), timer_create(2).
// variants: glibc-static
#include <signal.h>
#include <stdio.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile unsigned long n, at[64];
static volatile sig_atomic_t n_signals;

static void handle(int signo)
{
    if (n_signals < 64)
        at[n_signals] = n * 100 + (unsigned)signo;
    n_signals++;
}

int main(int argc, char **argv)
{
    (void)argv;
    struct itimerval every = {{0, 700}, {0, 700}}, cpu = {{0, 1100}, {0, 1100}};
    signal(SIGALRM, handle);
    signal(SIGVTALRM, handle);
    signal(SIGPROF, handle);
    if (setitimer(ITIMER_REAL, &every, 0) || setitimer(ITIMER_VIRTUAL, &cpu, 0))
        return 1;
    while (n_signals < 12)
        n++;
    struct itimerval never = {{0, 0}, {0, 0}};
    setitimer(ITIMER_REAL, &never, 0);
    setitimer(ITIMER_VIRTUAL, &never, 0);
    if (argc > 1)
        for (int i = 0; i < 12; i++)
            printf("%lu ", at[i]);
    puts("");
    return 0;
}
