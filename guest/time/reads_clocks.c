// vdso(7): reading the clocks that the vDSO knows is no system call; tests/kernel/test_vdso.py looks.
// variants: glibc-static
#include <sys/time.h>
#include <time.h>

int main(void)
{
    struct timespec t;
    struct timeval tv;
    for (int i = 0; i < 20000; i++)
        if (clock_gettime(i % 8 == 2 || i % 8 == 3 ? CLOCK_TAI : i % 8, &t) || gettimeofday(&tv, 0) || time(0) == -1)
            return 1;
    return 0;
}
