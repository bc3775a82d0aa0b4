/* Memory, identity, signals, time and limits: every such call, with good, odd and bad arguments.
   The trace of this program under the host's strace is what pyuk's tracer must say (strace(1)). */
#include "calls.h"

struct kernel_sigaction {
    void *handler;
    unsigned long flags;
    void *restorer;
    unsigned long mask;
};

static struct kernel_sigaction action(void *handler, unsigned long flags, unsigned long mask)
{
    return (struct kernel_sigaction){handler, flags, (void *) 0x401234, mask};
}

static void memory(void)
{
    call(SYS_brk, 0);
    call(SYS_brk, 0x1234);
    char *m = (char *) call(SYS_mmap, 0, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    call(SYS_mmap, m, 4096, PROT_NONE, MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS, -1, 0);
    call(SYS_mmap, 0x10000000, 4096, PROT_READ | PROT_EXEC, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    call(SYS_mmap, 0, 4096, PROT_READ, MAP_PRIVATE | MAP_DENYWRITE, 99, 0x1000);
    call(SYS_mmap, 0, 4096, PROT_READ | 0x10, MAP_SHARED_VALIDATE | MAP_SYNC, 99, 0x1000);
    call(SYS_mmap, 0, 4096, 0xf0, 0, 99, 1);
    call(SYS_mmap, 0, 0, PROT_READ | PROT_WRITE | PROT_EXEC | 8 | PROT_GROWSDOWN, 0xf | MAP_STACK | MAP_NORESERVE, 0, 0);
    call(SYS_mmap, 0, 1L << 50, 3, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | 21 << 26 | MAP_POPULATE | MAP_GROWSDOWN, -1, 0);
    call(SYS_mmap, -1L, -1L, 3, MAP_PRIVATE | MAP_32BIT | MAP_LOCKED | MAP_NONBLOCK | MAP_EXECUTABLE, 3, -4096L);
    call(SYS_mmap, 0, 4096, 3, 0x80000002L, -1, 0);
    call(SYS_mprotect, m, 4096, PROT_READ | PROT_WRITE);
    call(SYS_mprotect, 1, -1L, PROT_NONE);
    call(SYS_mprotect, m, 4096, 0x1000000 | 0x100);
    call(SYS_mprotect, m, 4096, 0x100);
    call(SYS_munmap, m, 4096);
    call(SYS_munmap, 1, 4096);
    call(SYS_mremap, m + 4096, 4096, 8192, MREMAP_MAYMOVE);
    call(SYS_mremap, 1, 4096, 8192, 0);
    call(SYS_mremap, 1, 4096, 8192, MREMAP_MAYMOVE | MREMAP_FIXED, 0x5000);
    call(SYS_mremap, 1, 4096, 8192, 9, 0x5000);
    call(SYS_madvise, 1, 4096, MADV_DONTNEED);
    call(SYS_madvise, 1, 4096, 999);
    call(SYS_msync, 1, 4096, MS_SYNC | MS_ASYNC);
    call(SYS_msync, 1, 4096, 0x80);
    call(SYS_mlock, 1L << 50, 4096);
    call(SYS_munlock, 1L << 50, 4096);
    call(SYS_mlockall, 0);
    call(SYS_mlockall, 9);
    call(SYS_mincore, 1, 4096, page);
    call(SYS_memfd_create, "name", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    call(SYS_memfd_create, NULL, 0x80);
}

static void identity(void)
{
    call(SYS_getuid);
    call(SYS_geteuid);
    call(SYS_getgid);
    call(SYS_getegid);
    call(SYS_getresuid, page, page + 4, page + 8);
    call(SYS_getresgid, page, NULL, page + 8);
    call(SYS_getgroups, 0, NULL);
    call(SYS_getgroups, 64, page);
    call(SYS_getgroups, -1, page);
    call(SYS_setuid, -1);
    call(SYS_setresuid, -1, 0, -1);
    call(SYS_setregid, -1, -1);
    call(SYS_setgroups, 0, NULL);
    call(SYS_setfsuid, -1);
    call(SYS_getpgid, 99999999);
    call(SYS_getsid, -1);
    call(SYS_setpgid, 99999999, -1);
    call(SYS_sched_yield);
    call(SYS_sched_getaffinity, 99999999, 128, page);
    call(SYS_sched_getparam, -1, page);
    call(SYS_sched_getscheduler, 0);
    call(SYS_sched_setscheduler, -1, SCHED_RR, &(int){5});
    call(SYS_sched_get_priority_max, SCHED_FIFO);
    call(SYS_getpriority, PRIO_PROCESS, 0);
    call(SYS_setpriority, PRIO_USER, -1, -5);
    call(SYS_getcpu, NULL, NULL, NULL);
    call(SYS_uname, page);
    call(SYS_uname, BAD);
    call(SYS_sysinfo, BAD);
    call(SYS_arch_prctl, ARCH_GET_FS, page);
    call(SYS_arch_prctl, ARCH_GET_GS, page);
    call(SYS_arch_prctl, ARCH_SET_GS, 0x1234);
    call(SYS_arch_prctl, ARCH_SET_GS, 0);
    call(SYS_arch_prctl, ARCH_GET_GS, BAD);
    call(SYS_arch_prctl, 0x3001, 0x7fff00);
    call(SYS_arch_prctl, 0x1011, 0);
    call(SYS_arch_prctl, 0x1012, 1);
    call(SYS_arch_prctl, -1, 1);
    call(SYS_prctl, PR_SET_NAME, "a name");
    call(SYS_prctl, PR_GET_NAME, page);
    call(SYS_prctl, PR_GET_DUMPABLE);
    call(SYS_prctl, PR_SET_DUMPABLE, 1);
    call(SYS_prctl, PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0);
    call(SYS_prctl, PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0);
    call(SYS_prctl, PR_SET_PDEATHSIG, 99);
    call(SYS_prctl, 9999, 1, 2, 3, 4);
    call(SYS_set_tid_address, 0);
    call(SYS_set_robust_list, page, 24);
    call(SYS_set_robust_list, NULL, 0);
    call(SYS_get_robust_list, 0, page, page + 8);
    call(SYS_rseq, page, 32, 0, 0x53053053);
    call(SYS_rseq, page, 32, 1, 0x53053053);
    call(SYS_rseq, NULL, 1, 2, 0);
    call(SYS_getrandom, page, 4, 0);
    call(SYS_getrandom, page, 40, GRND_NONBLOCK | GRND_RANDOM);
    call(SYS_getrandom, page, 0, GRND_INSECURE);
    call(SYS_getrandom, BAD, 8, 0x10);
    call(SYS_futex, page, FUTEX_WAIT, 5, NULL);
    call(SYS_futex, page, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1);
    call(SYS_futex, page, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME, 9, NULL, NULL, -1);
    call(SYS_futex, page, FUTEX_WAIT, 9, &(struct timespec){0, 5});
    call(SYS_futex, page, 99, 9, 5);
}

static void limits(void)
{
    struct rlimit limit = {1024, 4096}, odd = {1025, -1L}, big = {-1L, 3L << 40};
    call(SYS_getrlimit, RLIMIT_STACK, page);
    call(SYS_getrlimit, RLIMIT_NOFILE, BAD);
    call(SYS_getrlimit, 77, page);
    call(SYS_setrlimit, 78, &limit);
    call(SYS_setrlimit, 78, &odd);
    call(SYS_setrlimit, 78, &big);
    call(SYS_prlimit64, 0, RLIMIT_CORE, NULL, page);
    call(SYS_prlimit64, 0, 79, &limit, page);
    call(SYS_prlimit64, 0, RLIMIT_AS, BAD, NULL);
    call(SYS_getrusage, RUSAGE_SELF, BAD);
    call(SYS_getrusage, 5, page);
    call(SYS_times, BAD);
}

static void times(void)
{
    struct timespec t = {0, 1}, bad = {1, 1000000000};
    call(SYS_clock_gettime, CLOCK_REALTIME, BAD);
    call(SYS_clock_gettime, 99, page);
    call(SYS_clock_gettime, -6, NULL);
    call(SYS_clock_getres, CLOCK_MONOTONIC, page);
    call(SYS_clock_getres, CLOCK_MONOTONIC, NULL);
    call(SYS_clock_settime, CLOCK_MONOTONIC, &t);
    call(SYS_clock_settime, CLOCK_REALTIME, &bad);
    call(SYS_gettimeofday, NULL, page);
    call(SYS_gettimeofday, BAD, NULL);
    call(SYS_settimeofday, &(struct timeval){5, 2000000}, NULL);
    call(SYS_time, BAD);
    call(SYS_nanosleep, &t, page);
    call(SYS_nanosleep, &t, NULL);
    call(SYS_nanosleep, &bad, NULL);
    call(SYS_nanosleep, NULL, NULL);
    call(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &t, page);
    call(SYS_clock_nanosleep, CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
    call(SYS_alarm, 0);
    call(SYS_getitimer, ITIMER_REAL, page);
    call(SYS_setitimer, ITIMER_REAL, &(struct itimerval){{0, 0}, {0, 0}}, NULL);
    call(SYS_setitimer, 9, &(struct itimerval){{1, 2}, {3, 4}}, page);
}

static void signals(void)
{
    struct kernel_sigaction a;
    unsigned long set = 1UL << (SIGINT - 1) | 1UL << (SIGCHLD - 1), none = 0, all = -1UL, most = ~(1UL << 8);
    unsigned long half = 0x5555555555555555, rt = 7UL << 31, kill = 1UL << 8 | 1UL << 18;
    a = action(SIG_IGN, 0, 0);
    call(SYS_rt_sigaction, SIGUSR1, &a, NULL, 8);
    a = action((void *) 0x401000, SA_RESTORER | SA_SIGINFO | SA_RESTART | SA_NODEFER, set);
    call(SYS_rt_sigaction, SIGUSR2, &a, page, 8);
    call(SYS_rt_sigaction, SIGUSR2, NULL, page, 8);
    a = action(SIG_DFL, SA_RESTORER | SA_ONSTACK | SA_RESETHAND | SA_NOCLDSTOP | SA_NOCLDWAIT | 0x10, all);
    call(SYS_rt_sigaction, SIGUSR2, &a, NULL, 8);
    a = action(SIG_ERR, 0x40, most);
    call(SYS_rt_sigaction, SIGUSR2, &a, NULL, 8);
    call(SYS_rt_sigaction, SIGKILL, &a, NULL, 8);
    call(SYS_rt_sigaction, SIGUSR1, &a, NULL, 4);
    call(SYS_rt_sigaction, 32, NULL, BAD, 8);
    call(SYS_rt_sigaction, 34, NULL, page, 8);
    call(SYS_rt_sigaction, 64, BAD, NULL, 8);
    call(SYS_rt_sigaction, 65, NULL, NULL, 8);
    call(SYS_rt_sigaction, 0, NULL, NULL, 8);
    a = action(SIG_DFL, 0, 0);
    call(SYS_rt_sigaction, SIGUSR1, &a, NULL, 8);
    call(SYS_rt_sigprocmask, SIG_BLOCK, &set, page, 8);
    call(SYS_rt_sigprocmask, SIG_SETMASK, &none, page, 8);
    call(SYS_rt_sigprocmask, SIG_UNBLOCK, &all, NULL, 8);
    call(SYS_rt_sigprocmask, SIG_UNBLOCK, &half, NULL, 8);
    call(SYS_rt_sigprocmask, SIG_UNBLOCK, &rt, NULL, 8);
    call(SYS_rt_sigprocmask, SIG_UNBLOCK, &most, NULL, 8);
    call(SYS_rt_sigprocmask, SIG_UNBLOCK, &kill, NULL, 8);
    call(SYS_rt_sigprocmask, 77, &kill, page, 8);
    call(SYS_rt_sigprocmask, SIG_BLOCK, NULL, page, 8);
    call(SYS_rt_sigprocmask, SIG_BLOCK, BAD, NULL, 8);
    call(SYS_rt_sigprocmask, SIG_BLOCK, &kill, NULL, 128);
    call(SYS_rt_sigpending, page, 8);
    call(SYS_rt_sigtimedwait, &set, page, &(struct timespec){0, 0}, 8);
    call(SYS_sigaltstack, &(stack_t){page, 0, 8192}, NULL);
    call(SYS_sigaltstack, &(stack_t){NULL, SS_DISABLE, 0}, page);
    call(SYS_sigaltstack, NULL, page);
    call(SYS_kill, 99999999, SIGTERM);
    call(SYS_kill, 99999999, 0);
    call(SYS_tkill, 99999999, 34);
    call(SYS_tgkill, 99999999, 99999999, 99);
    call(SYS_wait4, -1, page, WNOHANG, NULL);
    call(SYS_wait4, -1, NULL, WNOHANG | WUNTRACED | WCONTINUED | __WALL, page);
    call(SYS_waitid, P_ALL, 0, page, WEXITED | WNOHANG, NULL);
    call(SYS_execve, "/nonexistent", (char *[]){"a", "0123456789abcdef0123456789abcdefX", NULL}, (char *[]){"A=1", "B=2", NULL});
    call(SYS_execve, "/nonexistent", NULL, NULL);
    call(SYS_execve, "/nonexistent", (char *[]){BAD, NULL}, BAD);
    call(SYS_execve, BAD, BAD, (char *[]){NULL});
}

int main(void)
{
    memory();
    identity();
    limits();
    times();
    signals();
    call(SYS_socket, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    call(0x14d + 100);
    call(4242, 1, -1L, page);
    call(SYS_io_setup, -1, NULL);
    call(SYS_exit, 77);
}
