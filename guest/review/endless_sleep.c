// nanosleep(2), futex(2), ppoll(2): a time beyond what the clocks can hold is waited for, until a handler runs.
#include "raw_signal.h"

#include <linux/futex.h>
#include <linux/time_types.h>

static void noted(int signo, siginfo_t *info, struct raw_ucontext *context)
{
    (void)signo, (void)info, (void)context;
}

static void poke(int pid)
{
    if (sys(fork) == 0) {
        struct __kernel_timespec soon = {0, 100000000};
        sys(nanosleep, &soon, NULL);
        sys(kill, pid, SIGUSR1);
        sys(exit, 0);
    }
}

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    struct __kernel_timespec ages = {0x7fffffffffffffff, 0}, left = {0, 0};
    unsigned word = 1;
    raw_handle(SIGUSR1, noted, 0);
    int pid = sys(getpid);
    poke(pid);
    EQ(sys(nanosleep, &ages, &left), -EINTR);
    CHECK(left.tv_sec > 9000000000 && left.tv_sec <= 9223372036);
    poke(pid);
    EQ(sys(futex, &word, FUTEX_WAIT, 1, &ages, NULL, 0), -EINTR);
    poke(pid);
    EQ(sys(clock_nanosleep, 1, 0, &ages, NULL), -EINTR);
    EQ(sys(clock_nanosleep, 3, 0, &ages, NULL), -EOPNOTSUPP); // CLOCK_THREAD_CPUTIME_ID
    return 0;
}
