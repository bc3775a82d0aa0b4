// Threads that race: which of them comes when, clocks, random numbers. With an argument it prints all that came of it;
// tests/kernel/test_deterministic.py compares runs.
// build: -pthread -static -no-pie
#define _GNU_SOURCE
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/random.h>
#include <time.h>
#include <x86intrin.h>

#define N_THREADS 4
#define N_ROUNDS 400

static atomic_int n_events;
static unsigned char who[N_THREADS * N_ROUNDS];
static volatile long counter;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static long long sum_ns;

static void *racer(void *argument)
{
    long me = (long)argument;
    for (int i = 0; i < N_ROUNDS; i++) {
        long seen = counter;
        for (volatile int wait = 0; wait < 3; wait++)
            ;
        counter = seen + 1;                             // loses what came in between
        who[atomic_fetch_add(&n_events, 1)] = (unsigned char)me;
        if (i % 100 == 50) {
            struct timespec now, pause = {0, 20000 * (me + 1)};
            clock_gettime(CLOCK_MONOTONIC, &now);
            pthread_mutex_lock(&mutex);
            sum_ns += now.tv_nsec;
            pthread_mutex_unlock(&mutex);
            nanosleep(&pause, NULL);
        }
    }
    return NULL;
}

int main(int argc, char **argv)
{
    (void)argv;
    pthread_t threads[N_THREADS];
    for (long i = 0; i < N_THREADS; i++)
        if (pthread_create(&threads[i], NULL, racer, (void *)i))
            return 1;
    for (int i = 0; i < N_THREADS; i++)
        pthread_join(threads[i], NULL);
    if (n_events != N_THREADS * N_ROUNDS || counter < N_ROUNDS || counter > n_events)
        return 2;
    unsigned random;
    if (getrandom(&random, sizeof random, 0) != sizeof random)
        return 3;
    if (argc < 2)
        return 0;
    unsigned order = 0;
    for (int i = 0; i < n_events; i++)
        order = order * 31 + who[i];
    printf("order %08x counter %ld\n", order, counter);
    printf("clocks %lld counter %llu random %08x\n", sum_ns, (unsigned long long)__rdtsc(), random);
    return 0;
}
