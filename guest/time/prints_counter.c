// With virtual time `rdtsc` counts its nanoseconds, and no clock goes back; tests/kernel/test_vdso.py compares runs.
// variants: glibc-static
#include <stdio.h>
#include <time.h>
#include <x86intrin.h>

int main(int argc, char **argv)
{
    (void)argv;
    unsigned long last = __rdtsc();
    for (int i = 0; i < 5; i++) {
        struct timespec t;
        clock_gettime(CLOCK_MONOTONIC, &t);
        unsigned long now = __rdtsc();
        if (now <= last)
            return 1;
        last = now;
        if (argc > 1)
            printf("%ld.%09ld %lu\n", (long)t.tv_sec, t.tv_nsec, now);
    }
    return 0;
}
