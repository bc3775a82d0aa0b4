// getrusage(2), times(2), the rusage of wait4(2): switches, faults and CPU time of the process, a thread, the children.
#include "raw_process.h"

#include <linux/resource.h>
#include <linux/times.h>

#define PAGES 64
#define BURN_MS 60

static struct rusage usage(int who)
{
    struct rusage got;
    EQ(sys(getrusage, who, &got), 0);
    return got;
}

static long us(struct rusage *of)
{
    return (of->ru_utime.tv_sec + of->ru_stime.tv_sec) * 1000000 + of->ru_utime.tv_usec + of->ru_stime.tv_usec;
}

static long clock_us(int clock)
{
    struct __kernel_timespec now;
    EQ(sys(clock_gettime, clock, &now), 0);
    return now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void burn(long ms)
{
    long end = clock_us(2) + ms * 1000;
    while (clock_us(2) < end)
        for (volatile int i = 0; i < 20000; i++)
            ;
}

static void touch(void)
{
    char *pages = map(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, 0);
    sys(madvise, pages, PAGES * PAGE, MADV_NOHUGEPAGE);
    for (int i = 0; i < PAGES; i++)
        pages[i * PAGE] = 1;
    sys(munmap, pages, PAGES * PAGE);
}

static void busy_thread(void *ran)
{
    struct rusage before = usage(1), after;
    CHECK(before.ru_nvcsw < 5);
    touch();
    nap(1);
    nap(1);
    after = usage(1);
    CHECK(after.ru_minflt - before.ru_minflt >= PAGES);
    CHECK(after.ru_nvcsw - before.ru_nvcsw >= 2);
    *(volatile int *)ran = 1;
}

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    struct rusage before = usage(0), after, children;
    touch();
    after = usage(0);
    CHECK(after.ru_minflt - before.ru_minflt >= PAGES);
    CHECK(after.ru_minflt - before.ru_minflt < PAGES + 40);
    CHECK(after.ru_maxrss >= before.ru_maxrss);
    EQ(after.ru_ixrss | after.ru_idrss | after.ru_isrss | after.ru_nswap | after.ru_nsignals, 0);
    EQ(after.ru_msgsnd | after.ru_msgrcv, 0);

    // each sleep is a voluntary switch
    before = usage(0);
    for (int i = 0; i < 5; i++)
        nap(1);
    after = usage(0);
    CHECK(after.ru_nvcsw - before.ru_nvcsw >= 5);
    CHECK(after.ru_nvcsw - before.ru_nvcsw < 15);

    // user and system time together are the CPU time, and neither goes back
    before = usage(0);
    burn(BURN_MS);
    long cpu_before = clock_us(2);
    after = usage(0);
    long cpu_after = clock_us(2);
    CHECK(us(&after) >= cpu_before - 2 && us(&after) <= cpu_after + 2);
    CHECK(us(&after) - us(&before) >= BURN_MS * 1000 - 2);
    CHECK(after.ru_utime.tv_sec * 1000000 + after.ru_utime.tv_usec >=
          before.ru_utime.tv_sec * 1000000 + before.ru_utime.tv_usec);
    CHECK(after.ru_stime.tv_sec * 1000000 + after.ru_stime.tv_usec >=
          before.ru_stime.tv_sec * 1000000 + before.ru_stime.tv_usec);
    CHECK(after.ru_utime.tv_sec * 1000000 + after.ru_utime.tv_usec > 0);

    // what is spent in system calls is system time
    before = usage(0);
    for (long end = clock_us(2) + 2 * BURN_MS * 1000; clock_us(2) < end;)
        for (int i = 0; i < 1000; i++)
            sys(getppid);
    after = usage(0);
    long system = after.ru_stime.tv_sec * 1000000 + after.ru_stime.tv_usec -
                  (before.ru_stime.tv_sec * 1000000 + before.ru_stime.tv_usec);
    CHECK(system > BURN_MS * 200);
    CHECK(system < 3 * BURN_MS * 1000);

    // a thread's own
    struct thread thread;
    volatile int ran = 0;
    CHECK(start_thread(&thread, busy_thread, (void *)&ran, 0, 0) > 0);
    join_thread(&thread);
    EQ(ran, 1);
    CHECK(usage(0).ru_minflt - after.ru_minflt >= PAGES);    // the ended thread's are the process's
    CHECK(usage(0).ru_nvcsw - after.ru_nvcsw >= 2);

    // children count once they have been waited for
    children = usage(-1);
    EQ(us(&children), 0);
    EQ(children.ru_minflt, 0);
    long child = sys(fork);
    if (child == 0) {
        touch();
        nap(1);
        burn(BURN_MS);
        quit(0);
    }
    struct rusage told;
    siginfo_t info;
    EQ(sys(waitid, P_PID, child, &info, WEXITED | WNOWAIT, &told), 0);
    children = usage(-1);
    EQ(us(&children), 0);
    EQ(sys(wait4, child, NULL, 0, &after), child);
    EQ(us(&after), us(&told));
    CHECK(us(&after) >= BURN_MS * 1000 - 2);
    CHECK(after.ru_minflt >= PAGES);
    CHECK(after.ru_nvcsw >= 1);
    children = usage(-1);
    EQ(us(&children), us(&after));
    EQ(children.ru_minflt, after.ru_minflt);
    EQ(children.ru_nvcsw, after.ru_nvcsw);
    EQ(children.ru_nivcsw, after.ru_nivcsw);

    struct tms ticks;
    long now = sys(times, &ticks);
    CHECK(now > 0);
    CHECK(ticks.tms_utime + ticks.tms_stime >= BURN_MS / 10 - 2);
    CHECK(ticks.tms_cutime + ticks.tms_cstime >= BURN_MS / 10 - 2);
    CHECK(ticks.tms_cutime + ticks.tms_cstime <= us(&children) / 10000 + 1);
    EQ(sys(times, NULL) >= now, 1);
    return 0;
}
