// seccomp(2): each action, their precedence, the data they carry, what a SIGSYS tells; forks, threads and execs inherit.
#include "raw_seccomp.h"

static volatile int *page;
static char **environment;
static char *self_path;

static int errnos(void)
{
    no_new_privs();
    check(1, __LINE__, sys(prctl, PR_GET_SECCOMP, 0, 0, 0, 0) == 0, "mode before");
    check(2, __LINE__, ON(0, __NR_getppid, SECCOMP_RET_ERRNO | 77) == 0, "filter");
    check(3, __LINE__, sys(prctl, PR_GET_SECCOMP, 0, 0, 0, 0) == 2, "mode after");
    check(4, __LINE__, sys(getppid) == -77, "its errno");
    check(5, __LINE__, sys(getpid) > 0, "another call");
    // a later one with the same action: the newest counts; a more severe one wins, whatever its age
    check(6, __LINE__, ON(0, __NR_getppid, SECCOMP_RET_ERRNO | 78) == 0, "second");
    check(7, __LINE__, sys(getppid) == -78, "the newest's");
    check(8, __LINE__, ON(0, __NR_getppid, SECCOMP_RET_TRACE | 1) == 0, "third");
    check(9, __LINE__, sys(getppid) == -78, "a milder one loses");
    check(10, __LINE__, ON(0, __NR_getuid, SECCOMP_RET_ERRNO | 0xffff) == 0, "a large errno");
    check(11, __LINE__, sys(getuid) == -4095, "is cut");
    check(12, __LINE__, ON(0, __NR_getgid, SECCOMP_RET_ERRNO) == 0, "errno 0");
    check(13, __LINE__, sys(getgid) == 0, "is 0");
    check(14, __LINE__, ON(0, __NR_geteuid, SECCOMP_RET_TRACE) == 0, "trace");
    check(15, __LINE__, sys(geteuid) == -ENOSYS, "without a tracer");
    check(16, __LINE__, ON(0, __NR_getegid, SECCOMP_RET_LOG) == 0, "log");
    check(17, __LINE__, sys(getegid) >= 0, "goes on");
    check(18, __LINE__, ON(0, __NR_gettid, SECCOMP_RET_USER_NOTIF) == 0, "notify");
    check(19, __LINE__, sys(gettid) == -ENOSYS, "without a listener");
    // a call with a number that is none, too
    check(20, __LINE__, ON(0, 4711, SECCOMP_RET_ERRNO | 12) == 0, "no call");
    check(21, __LINE__, raw_syscall(4711, 0, 0, 0, 0, 0, 0) == -12, "no call");
    check(22, __LINE__, ON(0, -1, SECCOMP_RET_ERRNO | 13) == 0, "-1");
    check(23, __LINE__, raw_syscall(-1, 0, 0, 0, 0, 0, 0) == -13, "-1");
    return 0;
}

static void on_sigsys(int signo, siginfo_t *info, struct raw_ucontext *context)
{
    page[0] = signo;
    page[1] = info->si_code;
    page[2] = info->si_errno;
    page[3] = info->si_syscall;
    page[4] = info->si_arch == AUDIT_ARCH_X86_64;
    page[5] = (unsigned long)info->si_call_addr == context->rip;
    page[6] = context->rax;
    page[7] = context->rdi;
    context->rax = 31337;
}

static int traps(void)
{
    no_new_privs();
    raw_handle(SIGSYS, on_sigsys, 0);
    check(30, __LINE__, ON(0, __NR_dup, SECCOMP_RET_TRAP | 99) == 0, "filter");
    check(31, __LINE__, sys(dup, 1234) == 31337, "what the handler put into rax");
    return 0;
}

static int trapped_blocked(void)
{
    unsigned long mask = 1UL << (SIGSYS - 1);
    no_new_privs();
    raw_handle(SIGSYS, on_sigsys, 0);
    sys(rt_sigprocmask, SIG_BLOCK, &mask, NULL, 8);
    ON(0, __NR_dup, SECCOMP_RET_TRAP);
    sys(dup, 1);
    return 1;
}

static int killed(void)
{
    no_new_privs();
    ON(0, __NR_getppid, SECCOMP_RET_KILL_PROCESS);
    sys(getppid);
    return 1;
}

static int killed_by_unknown(void)
{
    no_new_privs();
    ON(0, __NR_getppid, 0x00040000);                    // no action there is
    sys(getppid);
    return 1;
}

static void dying(void *argument)
{
    (void)argument;
    page[8] = 1;
    sys(getppid);
    page[8] = 2;
}

static int thread_killed(void)
{
    struct thread thread;
    no_new_privs();
    ON(0, __NR_getppid, SECCOMP_RET_KILL_THREAD);
    start_thread(&thread, dying, NULL, 0, 0);
    join_thread(&thread);
    check(40, __LINE__, page[8] == 1, "it has gone");
    return 44;
}

static int last_thread_killed(void)
{
    no_new_privs();
    ON(0, __NR_getppid, SECCOMP_RET_KILL_THREAD);
    sys(getppid);
    return 1;
}

static int inherits(void)
{
    no_new_privs();
    ON(0, __NR_getppid, SECCOMP_RET_ERRNO | 55);
    long pid = sys(fork);
    if (pid == 0)
        quit(sys(getppid) == -55 ? 50 : 51);
    check(50, __LINE__, wait_status(pid) == EXITED(50), "fork");
    char *argv[] = {self_path, "x", NULL};
    sys(execve, self_path, argv, environment);
    return 1;
}

static int arguments(void)
{
    no_new_privs();
    check(60, __LINE__, FILTER(0, LOAD_ARG(1), IF_EQUAL(0x1111, SECCOMP_RET_ERRNO | 1),
                               IF_EQUAL(0x2222, SECCOMP_RET_ERRNO | 2), RET(SECCOMP_RET_ALLOW)) == 0, "filter");
    check(61, __LINE__, sys(dup2, -1, 0x1111) == -1, "1");
    check(62, __LINE__, sys(dup2, -1, 0x2222) == -2, "2");
    check(63, __LINE__, sys(dup2, -1, 0x3333) == -EBADF, "3");
    check(64, __LINE__, sys(dup2, -1, 0x500001111) == -1, "the low half");
    check(65, __LINE__, FILTER(0, STMT(BPF_LD | BPF_W | BPF_ABS, 4), IF_EQUAL(AUDIT_ARCH_X86_64, SECCOMP_RET_ALLOW),
                               RET(SECCOMP_RET_KILL_PROCESS)) == 0, "architecture");
    check(66, __LINE__, sys(dup2, -1, 0) == -EBADF, "architecture");
    return 0;
}

static int strict_killed(void)
{
    char byte = 0;
    check(70, __LINE__, sys(prctl, PR_SET_SECCOMP, SECCOMP_MODE_STRICT, 0, 0, 0) == 0, "strict");
    sys(read, -1, &byte, 1);
    sys(write, -1, &byte, 1);
    sys(getpid);
    return 1;
}

static int strict_exits(void)
{
    check(71, __LINE__, sys(seccomp, SECCOMP_SET_MODE_STRICT, 0, NULL) == 0, "strict");
    sys(exit, 72);
    return 1;
}

int main(int argc, char **argv, char **envp)
{
    if (argc > 1)
        return sys(getppid) == -55 ? 56 : 57;
    self_path = argv[0], environment = envp;
    page = shared(PAGE);
    EQ(in_child(errnos), EXITED(0));
    EQ(in_child(traps), EXITED(0));
    EQ(page[0], SIGSYS);
    EQ(page[1], SYS_SECCOMP);
    EQ(page[2], 99);
    EQ(page[3], __NR_dup);
    EQ(page[4], 1);
    EQ(page[5], 1);
    EQ(page[6], __NR_dup);                              // the registers as they were before the call
    EQ(page[7], 1234);
    EQ(in_child(trapped_blocked) & 0x7f, SIGSYS);
    EQ(in_child(killed) & 0x7f, SIGSYS);
    EQ(in_child(killed_by_unknown) & 0x7f, SIGSYS);
    EQ(in_child(thread_killed), EXITED(44));
    EQ(in_child(last_thread_killed) & 0x7f, SIGSYS);
    EQ(in_child(inherits), EXITED(56));
    EQ(in_child(arguments), EXITED(0));
    EQ(in_child(strict_killed), SIGKILL);
    EQ(in_child(strict_exits), EXITED(72));
    return 0;
}
