// clock_gettime(2), gettimeofday(2), time(2): the clocks exist, agree with each other, go forward, have nanoseconds
// below a second; clock_getres; EINVAL for unknown clocks, EFAULT for bad memory, NULL where it is allowed.
#include "raw.h"

#include <linux/time.h>
#include <linux/time_types.h>

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    struct __kernel_timespec a, b;
    struct __kernel_old_timeval tv;
    static const int clocks[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID,
                                 CLOCK_MONOTONIC_RAW, CLOCK_REALTIME_COARSE, CLOCK_MONOTONIC_COARSE, CLOCK_BOOTTIME,
                                 CLOCK_TAI};
    for (unsigned i = 0; i < sizeof clocks / sizeof *clocks; i++) {
        EQ(sys(clock_gettime, clocks[i], &a), 0);
        EQ(sys(clock_gettime, clocks[i], &b), 0);
        CHECK(a.tv_nsec >= 0 && a.tv_nsec < 1000000000);
        CHECK(b.tv_sec > a.tv_sec || (b.tv_sec == a.tv_sec && b.tv_nsec >= a.tv_nsec));
        EQ(sys(clock_getres, clocks[i], &b), 0);
        CHECK(b.tv_sec == 0 && b.tv_nsec > 0 && b.tv_nsec <= 10000000);
    }
    EQ(sys(clock_getres, CLOCK_MONOTONIC, NULL), 0);
    EQ(sys(clock_gettime, CLOCK_REALTIME, &a), 0);
    EQ(sys(gettimeofday, &tv, NULL), 0);
    CHECK(tv.tv_sec - a.tv_sec >= 0 && tv.tv_sec - a.tv_sec <= 5);
    CHECK(tv.tv_usec >= 0 && tv.tv_usec < 1000000);
    CHECK(a.tv_sec > 1600000000);
    long stored = 0, now = sys(time, &stored);
    EQ(now, stored);
    CHECK(now - a.tv_sec >= 0 && now - a.tv_sec <= 5);
    CHECK(sys(time, NULL) >= now);
    int zone[2] = {7, 7};
    EQ(sys(gettimeofday, NULL, zone), 0);
    EQ(sys(gettimeofday, NULL, NULL), 0);

    EQ(sys(clock_gettime, 10, &a), -EINVAL);            // CLOCK_SGI_CYCLE is gone
    EQ(sys(clock_gettime, 16, &a), -EINVAL);
    EQ(sys(clock_gettime, -1, &a), -EINVAL);
    EQ(sys(clock_gettime, 99, BAD_POINTER), -EINVAL);
    EQ(sys(clock_getres, 99, NULL), -EINVAL);
    EQ(sys(clock_gettime, CLOCK_MONOTONIC, BAD_POINTER), -EFAULT);
    EQ(sys(clock_gettime, CLOCK_MONOTONIC, NULL), -EFAULT);
    EQ(sys(clock_gettime, CLOCK_REALTIME, KERNEL_POINTER), -EFAULT);
    EQ(sys(gettimeofday, BAD_POINTER, NULL), -EFAULT);
    EQ(sys(gettimeofday, &tv, BAD_POINTER), -EFAULT);
    EQ(sys(time, BAD_POINTER), -EFAULT);
    return 0;
}
