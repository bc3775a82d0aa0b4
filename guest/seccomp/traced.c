// seccomp(2) and ptrace(2) together: PTRACE_EVENT_SECCOMP and its order, what a tracer makes of a call, filters read back.
#include "raw_ptrace.h"
#include "raw_seccomp.h"

static volatile int *page;

static int tracing_calls(void)
{
    no_new_privs();
    ON(0, __NR_getppid, SECCOMP_RET_TRACE | 0x1234);
    ON(0, __NR_getuid, SECCOMP_RET_ERRNO | 9);
    page[0] = sys(getppid);
    page[1] = sys(getppid);
    page[2] = sys(getppid);
    page[3] = sys(getuid);
    page[4] = sys(getppid);
    return 4;
}

static int many_filters(void)
{
    no_new_privs();
    FILTER(0, RET(SECCOMP_RET_ALLOW));
    FILTER(SECCOMP_FILTER_FLAG_LOG, LOAD(nr), RET(SECCOMP_RET_ALLOW));
    sys(kill, self(), SIGSTOP);
    return 0;
}

static int trapped(void)
{
    no_new_privs();
    ON(0, __NR_dup, SECCOMP_RET_TRAP | 7);
    sys(dup, 5);
    return 0;
}

static void cont(long pid, int request)
{
    check(201, __LINE__, TRACE(request, pid, 0, 0) == 0, "go on");
}

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    page = shared(PAGE);
    struct ptrace_syscall_info info;

    long pid = traced(tracing_calls);
    EQ(TRACE(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESECCOMP | PTRACE_O_TRACESYSGOOD), 0);
    cont(pid, PTRACE_CONT);
    EQ(next_stop(pid), EVENT_STOP(PTRACE_EVENT_SECCOMP));
    EQ(event_message(pid), 0x1234);
    EQ(peek_user(pid, USER(orig_rax)), __NR_getppid);
    EQ(peek_user(pid, USER(rax)), -ENOSYS);
    EQ(TRACE(PTRACE_GET_SYSCALL_INFO, pid, sizeof info, &info), 84);
    EQ(info.op, PTRACE_SYSCALL_INFO_SECCOMP);
    EQ(info.seccomp.nr, __NR_getppid);
    EQ(info.seccomp.ret_data, 0x1234);
    cont(pid, PTRACE_CONT);                             // made
    EQ(next_stop(pid), EVENT_STOP(PTRACE_EVENT_SECCOMP));
    EQ(TRACE(PTRACE_POKEUSR, pid, USER(orig_rax), -1), 0);      // not made, with a result
    EQ(TRACE(PTRACE_POKEUSR, pid, USER(rax), 77), 0);
    cont(pid, PTRACE_CONT);
    EQ(next_stop(pid), EVENT_STOP(PTRACE_EVENT_SECCOMP));
    EQ(TRACE(PTRACE_POKEUSR, pid, USER(orig_rax), __NR_getuid), 0);     // another, which the filters look at again
    cont(pid, PTRACE_SYSCALL);
    EQ(next_stop(pid), SYSCALL_STOP);
    EQ(peek_user(pid, USER(rax)), -9);
    EQ(event_message(pid), PTRACE_EVENTMSG_SYSCALL_EXIT);
    cont(pid, PTRACE_SYSCALL);
    EQ(next_stop(pid), SYSCALL_STOP);                   // an errno has its two stops as well
    EQ(peek_user(pid, USER(orig_rax)), __NR_getuid);
    cont(pid, PTRACE_SYSCALL);
    EQ(next_stop(pid), SYSCALL_STOP);
    EQ(peek_user(pid, USER(rax)), -9);
    cont(pid, PTRACE_SYSCALL);
    EQ(next_stop(pid), SYSCALL_STOP);                   // the tracer comes before the filters
    EQ(event_message(pid), PTRACE_EVENTMSG_SYSCALL_ENTRY);
    cont(pid, PTRACE_SYSCALL);
    EQ(next_stop(pid), EVENT_STOP(PTRACE_EVENT_SECCOMP));
    EQ(TRACE(PTRACE_SETOPTIONS, pid, 0, 0), 0);
    cont(pid, PTRACE_CONT);
    EQ(next_stop(pid), EXITED(4));
    EQ(page[0], self());
    EQ(page[1], 77);
    EQ(page[2], -9);
    EQ(page[3], -9);
    EQ(page[4], self());

    // a call that the tracer replaces at its entry is what the filters see
    pid = traced(tracing_calls);
    EQ(TRACE(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD), 0);
    for (int i = 0; i < 6; i++) {                       // prctl and two seccomps
        cont(pid, PTRACE_SYSCALL);
        EQ(next_stop(pid), SYSCALL_STOP);
    }
    cont(pid, PTRACE_SYSCALL);
    EQ(next_stop(pid), SYSCALL_STOP);
    EQ(TRACE(PTRACE_POKEUSR, pid, USER(orig_rax), __NR_getuid), 0);
    cont(pid, PTRACE_CONT);
    EQ(next_stop(pid), EXITED(4));
    EQ(page[0], -9);
    EQ(page[1], -ENOSYS);                               // SECCOMP_RET_TRACE, and nobody has asked for the event

    // filters, the oldest first
    if (sys(getuid) == 0) {
        struct sock_filter insns[8];
        struct { unsigned long at, flags; } meta = {1, 0};
        pid = traced(many_filters);
        EQ(TRACE(PTRACE_SECCOMP_GET_FILTER, pid, 0, insns), -EINVAL);
        cont(pid, PTRACE_CONT);
        EQ(next_stop(pid), STOPPED(SIGSTOP));
        EQ(TRACE(PTRACE_SECCOMP_GET_FILTER, pid, 0, NULL), 1);
        EQ(TRACE(PTRACE_SECCOMP_GET_FILTER, pid, 1, insns), 2);
        EQ(insns[0].code, BPF_LD | BPF_W | BPF_ABS);
        EQ(insns[1].k, SECCOMP_RET_ALLOW);
        EQ(TRACE(PTRACE_SECCOMP_GET_FILTER, pid, 2, insns), -ENOENT);
        EQ(TRACE(PTRACE_SECCOMP_GET_FILTER, pid, 1, BAD_POINTER), -EFAULT);
        EQ(TRACE(PTRACE_SECCOMP_GET_METADATA, pid, sizeof meta, &meta), 16);
        EQ(meta.flags, SECCOMP_FILTER_FLAG_LOG);
        meta.at = 0;
        EQ(TRACE(PTRACE_SECCOMP_GET_METADATA, pid, 8, &meta), 8);
        EQ(TRACE(PTRACE_SECCOMP_GET_METADATA, pid, 4, &meta), -EINVAL);
        meta.at = 9;
        EQ(TRACE(PTRACE_SECCOMP_GET_METADATA, pid, 16, &meta), -ENOENT);
        EQ(sys(kill, pid, SIGKILL), 0);
        EQ(next_stop(pid), SIGKILL);

        // suspended
        pid = traced(tracing_calls);
        EQ(TRACE(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_SUSPEND_SECCOMP), 0);
        cont(pid, PTRACE_CONT);
        EQ(next_stop(pid), EXITED(4));
        EQ(page[0], self());
        EQ(page[3], sys(getuid));
    }

    // a trap is a signal of the tracer's to see; a kill is not
    pid = traced(trapped);
    cont(pid, PTRACE_CONT);
    EQ(next_stop(pid), STOPPED(SIGSYS));
    siginfo_t signal = siginfo(pid);
    EQ(signal.si_code, SYS_SECCOMP);
    EQ(signal.si_errno, 7);
    EQ(signal.si_syscall, __NR_dup);
    EQ(peek_user(pid, USER(rax)), __NR_dup);
    EQ(peek_user(pid, USER(orig_rax)), __NR_dup);
    cont(pid, PTRACE_CONT);
    EQ(next_stop(pid), EXITED(0));
    return 0;
}
