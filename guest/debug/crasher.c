// A program that dies with two threads, values on stack and heap, and areas that are dumped or not; -g of gcc.
// variants: glibc-no-pie
// flags: -g -O0 -pthread
// args: none
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int data = 42;
char *heap, *kept, *left_out, *untouched;
static int ready;

static void *body(void *argument)
{
    double half = 0.5;
    __atomic_store_n(&ready, 1, __ATOMIC_SEQ_CST);
    for (;;)
        pause();
    return half > 1 ? argument : NULL;
}

static int inner(int *at, double number)
{
    heap = malloc(100);
    strcpy(heap, "on the heap");
    return *at + number;
}

int main(int argc, char **argv)
{
    pthread_t thread;
    if (argc > 1 && !strcmp(argv[1], "none"))
        return 0;
    kept = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    left_out = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    untouched = mmap(NULL, 1 << 24, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    strcpy(kept + 4096, "in the middle");
    strcpy(left_out, "not this");
    madvise(left_out, 4096, MADV_DONTDUMP);
    pthread_create(&thread, NULL, body, NULL);
    while (!__atomic_load_n(&ready, __ATOMIC_SEQ_CST))
        usleep(1000);
    usleep(10000);
    if (argc > 1 && !strcmp(argv[1], "abort"))
        abort();
    return inner((int *)(long)argc, 1.5);
}
