// Many at once: 200 processes, 300 threads, spinning guests that share the CPU, a pipeline of 30; the limit of
// RLIMIT_NPROC for who is not root; CPU time is told for oneself and for children.
#include "raw_process.h"

#include <linux/resource.h>

static volatile int ended;

static void ends(void *argument)
{
    (void)argument;
    __atomic_add_fetch(&ended, 1, __ATOMIC_SEQ_CST);
    nap(1);
}

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    static long pids[200];
    volatile int *both = shared(PAGE);
    for (int i = 0; i < 200; i++) {
        pids[i] = sys(fork);
        CHECK(pids[i] >= 0);
        if (pids[i] == 0) {
            __atomic_add_fetch(&both[0], 1, __ATOMIC_SEQ_CST);
            while (both[0] < 200)
                nap(2);
            quit(i & 0x7f);
        }
    }
    for (int i = 0; i < 200; i++)
        EQ(wait_status(pids[i]), EXITED(i & 0x7f));
    EQ(both[0], 200);

    static struct thread threads[300];
    for (int i = 0; i < 300; i++)
        CHECK(start_thread(&threads[i], ends, NULL, 0, 0) > 0);
    for (int i = 0; i < 300; i++)
        join_thread(&threads[i]);
    EQ(ended, 300);

    // three that spin until each has seen the others move
    for (int i = 0; i < 3; i++) {
        pids[i] = sys(fork);
        if (pids[i] == 0) {
            while (both[11] < 3 || both[12] < 3 || both[13] < 3) {
                int mine = both[11 + i];
                if (mine < 3 && mine <= both[11 + (i + 1) % 3])
                    both[11 + i] = mine + 1;
            }
            quit(0);
        }
    }
    for (int i = 0; i < 3; i++)
        EQ(wait_status(pids[i]), EXITED(0));

    // a pipeline
    int in = -1, ends_of[2];
    for (int i = 0; i < 30; i++) {
        EQ(sys(pipe, ends_of), 0);
        pids[i] = sys(fork);
        if (pids[i] == 0) {
            char line[64];
            long n = i ? sys(read, in, line, sizeof line) : 0;
            line[n++] = 'a' + i % 26;
            sys(write, ends_of[1], line, n);
            quit(0);
        }
        sys(close, ends_of[1]);
        if (in >= 0)
            sys(close, in);
        in = ends_of[0];
    }
    char line[64];
    EQ(sys(read, in, line, sizeof line), 30);
    EQ(memcmp(line, "abcdefghijklmnopqrstuvwxyzabcd", 30), 0);
    EQ(sys(read, in, line, 1), 0);
    for (int i = 0; i < 30; i++)
        EQ(wait_status(pids[i]), EXITED(0));

    // CPU time
    struct rusage usage;
    struct __kernel_timespec cpu;
    long child = sys(fork);
    if (child == 0) {
        do
            EQ(sys(clock_gettime, 2, &cpu), 0);
        while (cpu.tv_sec == 0 && cpu.tv_nsec < 50 * MS);
        quit(0);
    }
    int status;
    EQ(sys(wait4, child, &status, 0, &usage), child);
    CHECK(usage.ru_utime.tv_sec * 1000000 + usage.ru_utime.tv_usec + usage.ru_stime.tv_sec * 1000000 +
              usage.ru_stime.tv_usec >= 40000);
    struct rusage all;
    EQ(sys(getrusage, -1, &all), 0);
    CHECK(all.ru_utime.tv_sec * 1000000 + all.ru_utime.tv_usec + all.ru_stime.tv_sec * 1000000 + all.ru_stime.tv_usec >=
          40000);
    EQ(sys(getrusage, 0, &all), 0);
    EQ(sys(getrusage, 1, &all), 0);
    EQ(sys(getrusage, 2, &all), -EINVAL);

    // a fork bomb
    if (sys(getuid) != 0)
        return 0;
    child = sys(fork);
    if (child == 0) {
        struct rlimit64 limit = {20, 20};
        EQ(sys(setresgid, 54321, 54321, 54321), 0);
        EQ(sys(setresuid, 54321, 54321, 54321), 0);
        EQ(sys(prlimit64, 0, RLIMIT_NPROC, &limit, NULL), 0);
        int n = 0;
        long got = 0;
        while (n < 100 && (got = sys(fork)) > 0)
            pids[n++] = got;
        if (got == 0)
            for (;;)
                sys(pause);
        EQ(got, -EAGAIN);
        EQ(n, 19);
        EQ(sys(setuid, 0), -EPERM);
        struct rlimit64 wider = {20, 21};
        EQ(sys(prlimit64, 0, RLIMIT_NPROC, &wider, NULL), -EPERM);
        EQ(sys(kill, parent(), 0), -EPERM);
        while (n--) {
            EQ(sys(kill, pids[n], SIGKILL), 0);
            EQ(wait_status(pids[n]), SIGKILL);
        }
        quit(11);
    }
    EQ(wait_status(child), EXITED(11));

    // RLIMIT_CPU: SIGXCPU at the soft limit
    child = sys(fork);
    if (child == 0) {
        struct rlimit64 limit = {1, 5};
        EQ(sys(prlimit64, 0, RLIMIT_CPU, &limit, NULL), 0);
        for (;;)
            ;
    }
    EQ(wait_status(child) & ~0x80, SIGXCPU);
    return 0;
}
