// prctl(2), PR_SET_TSC: where a thread may not read the time stamp counter, `rdtsc` is SIGSEGV, SI_KERNEL, and so is a
// vDSO function that wants it; children inherit it, execve keeps it, other threads do not have it.
#include "raw_process.h"

#include <linux/prctl.h>

static volatile int n_faults;

static unsigned long rdtsc(void)
{
    unsigned low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (unsigned long)high << 32 | low;
}

static void on_fault(int signo, siginfo_t *info, struct raw_ucontext *context)
{
    CHECK(signo == SIGSEGV && info->si_code == SI_KERNEL && info->si_addr == NULL);
    CHECK(*(unsigned short *)context->rip == 0x310f);
    context->rip += 2;
    n_faults++;
}

static void reader(void *argument)
{
    *(unsigned long *)argument = rdtsc();
}

static int mode(void)
{
    int value = 0;
    EQ(sys(prctl, PR_GET_TSC, &value), 0);
    return value;
}

int main(int argc, char **argv, char **envp)
{
    (void)envp;
    if (argc > 1) {                     // executed without the right to read it
        EQ(mode(), PR_TSC_SIGSEGV);
        rdtsc();
        return 0;                       // no handler any more: not reached
    }
    EQ(mode(), PR_TSC_ENABLE);
    unsigned long first = rdtsc(), second = rdtsc();
    CHECK(second > first);
    EQ(sys(prctl, PR_SET_TSC, 0), -EINVAL);
    EQ(sys(prctl, PR_SET_TSC, 3), -EINVAL);
    EQ(sys(prctl, PR_GET_TSC, NULL), -EFAULT);
    EQ(raw_handle(SIGSEGV, on_fault, 0), 0);
    EQ(sys(prctl, PR_SET_TSC, PR_TSC_SIGSEGV), 0);
    EQ(mode(), PR_TSC_SIGSEGV);
    rdtsc();
    EQ(n_faults, 1);
    rdtsc();
    EQ(n_faults, 2);

    long child = sys(fork), status = 0;
    if (child == 0) {
        rdtsc();
        sys(exit_group, n_faults);
    }
    EQ(sys(wait4, child, &status, 0, NULL), child);
    EQ(status & 0xffff, 3 << 8);
    child = sys(fork);
    if (child == 0) {
        char *again[] = {argv[0], "executed", NULL};
        sys(execve, "/proc/self/exe", again, NULL);
        sys(exit_group, 9);
    }
    EQ(sys(wait4, child, &status, 0, NULL), child);
    EQ(status & 0x7f, SIGSEGV);

    EQ(sys(prctl, PR_SET_TSC, PR_TSC_ENABLE), 0);
    EQ(mode(), PR_TSC_ENABLE);
    CHECK(rdtsc() > second);
    struct thread thread;
    unsigned long seen = 0;
    EQ(sys(prctl, PR_SET_TSC, PR_TSC_SIGSEGV), 0);
    CHECK(start_thread(&thread, reader, &seen, 0, 0) > 0);      // a thread inherits it as a child does
    join_thread(&thread);
    EQ(n_faults, 3);
    EQ(sys(prctl, PR_SET_TSC, PR_TSC_ENABLE), 0);
    CHECK(start_thread(&thread, reader, &seen, 0, 0) > 0);
    join_thread(&thread);
    EQ(n_faults, 3);
    CHECK(seen > second);
    return 0;
}
