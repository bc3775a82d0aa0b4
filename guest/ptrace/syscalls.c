// ptrace(2): stops at the two ends of a system call, and what a tracer may change there: number, arguments, result.
#include "raw_ptrace.h"

static volatile int *page;

static int three_calls(void)
{
    page[0] = sys(getpid);
    page[1] = sys(getppid);
    page[2] = raw_syscall(9999, 1, 2, 3, 4, 5, 6);
    return 7;
}

static int reader(void)
{
    char byte;
    int ends[2];
    check(200, __LINE__, sys(pipe2, ends, 0) == 0, "pipe2");
    page[3] = ends[0];
    page[0] = sys(read, ends[0], &byte, 1);
    page[1] = sys(write, ends[1], "x", 1);
    return 0;
}

static int sleeper(void)
{
    struct __kernel_timespec time = {0, 200 * MS}, left = {9, 9};
    page[0] = sys(nanosleep, &time, &left);
    page[1] = left.tv_sec;
    return 0;
}

static void on_signal(int signo, siginfo_t *info, struct raw_ucontext *context)
{
    (void)info, (void)context;
    page[5] = signo;
}

static int handled(void)
{
    raw_handle(SIGUSR1, on_signal, 0);
    page[0] = sys(getuid);
    sys(kill, self(), SIGUSR1);
    page[1] = sys(getgid);
    return 0;
}

// Go on to the next stop of a system call, and check that it is this end of that call.
#define CALL(pid, nr) (next(pid), (int)peek_user(pid, USER(orig_rax)) == (nr))
static void next(long pid)
{
    check(201, __LINE__, TRACE(PTRACE_SYSCALL, pid, 0, 0) == 0, "PTRACE_SYSCALL");
    equal(202, __LINE__, next_stop(pid), SYSCALL_STOP, "status");
}

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    struct ptrace_syscall_info info;
    page = shared(PAGE);

    // both ends, and what they tell
    long pid = traced(three_calls);
    EQ(TRACE(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD), 0);
    EQ(TRACE(PTRACE_GET_SYSCALL_INFO, pid, sizeof info, &info), 24);
    EQ(info.op, PTRACE_SYSCALL_INFO_NONE);
    EQ(peek_user(pid, USER(orig_rax)), __NR_kill);
    EQ(peek_user(pid, USER(rax)), 0);
    EQ(event_message(pid), 0);
    CHECK(CALL(pid, __NR_getpid));
    EQ(peek_user(pid, USER(rax)), -ENOSYS);
    EQ(event_message(pid), PTRACE_EVENTMSG_SYSCALL_ENTRY);
    siginfo_t stop = siginfo(pid);
    EQ(stop.si_signo, SIGTRAP);
    EQ(stop.si_code, SIGTRAP | 0x80);
    EQ(stop.si_pid, pid);
    struct user_regs regs = registers(pid);
    EQ(regs.rcx, regs.rip);
    EQ(regs.r11 & 0xffffffff, regs.eflags);
    EQ(regs.cs, 0x33);
    EQ(regs.ss, 0x2b);
    CHECK(CALL(pid, __NR_getpid));
    EQ(peek_user(pid, USER(rax)), pid);
    EQ(TRACE(PTRACE_POKEUSR, pid, USER(rax), 4711), 0);
    CHECK(CALL(pid, __NR_getppid));
    memset(&info, 0xff, sizeof info);
    EQ(TRACE(PTRACE_GET_SYSCALL_INFO, pid, sizeof info, &info), 80);
    EQ(info.op, PTRACE_SYSCALL_INFO_ENTRY);
    EQ(info.arch, 0xc000003e);
    EQ(info.instruction_pointer, peek_user(pid, USER(rip)));
    EQ(info.stack_pointer, peek_user(pid, USER(rsp)));
    EQ(info.entry.nr, __NR_getppid);
    EQ(TRACE(PTRACE_POKEUSR, pid, USER(orig_rax), __NR_getuid), 0);
    CHECK(CALL(pid, __NR_getuid));
    memset(&info, 0xff, sizeof info);
    EQ(TRACE(PTRACE_GET_SYSCALL_INFO, pid, sizeof info, &info), 33);
    EQ(info.op, PTRACE_SYSCALL_INFO_EXIT);
    EQ(info.exit.rval, sys(getuid));
    EQ(info.exit.is_error, 0);
    CHECK(CALL(pid, 9999));
    EQ(TRACE(PTRACE_GET_SYSCALL_INFO, pid, 32, &info), 80);
    EQ(info.entry.nr, 9999);
    EQ(peek_user(pid, USER(rdi)), 1);
    EQ(peek_user(pid, USER(rsi)), 2);
    EQ(peek_user(pid, USER(rdx)), 3);
    EQ(peek_user(pid, USER(r10)), 4);
    EQ(peek_user(pid, USER(r8)), 5);
    EQ(peek_user(pid, USER(r9)), 6);
    CHECK(CALL(pid, 9999));
    EQ(TRACE(PTRACE_GET_SYSCALL_INFO, pid, sizeof info, &info), 33);
    EQ(info.exit.rval, -ENOSYS);
    EQ(info.exit.is_error, 1);
    CHECK(CALL(pid, __NR_exit_group));
    EQ(TRACE(PTRACE_CONT, pid, 0, 0), 0);
    EQ(next_stop(pid), EXITED(7));
    EQ(page[0], 4711);
    EQ(page[1], sys(getuid));
    EQ(page[2], -ENOSYS);

    // a call that is not made: -1
    pid = traced(three_calls);
    EQ(TRACE(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD), 0);
    CHECK(CALL(pid, __NR_getpid));
    EQ(TRACE(PTRACE_POKEUSR, pid, USER(orig_rax), -1), 0);
    CHECK(CALL(pid, -1));
    EQ(peek_user(pid, USER(rax)), -ENOSYS);
    CHECK(CALL(pid, __NR_getppid));
    EQ(TRACE(PTRACE_POKEUSR, pid, USER(orig_rax), -1), 0);
    EQ(TRACE(PTRACE_POKEUSR, pid, USER(rax), 99), 0);
    CHECK(CALL(pid, -1));
    CHECK(CALL(pid, 9999));
    EQ(TRACE(PTRACE_POKEUSR, pid, USER(orig_rax), __NR_exit_group), 0);
    EQ(TRACE(PTRACE_POKEUSR, pid, USER(rdi), 12), 0);
    EQ(TRACE(PTRACE_CONT, pid, 0, 0), 0);
    EQ(next_stop(pid), EXITED(12));
    EQ(page[0], -ENOSYS);
    EQ(page[1], 99);

    // without PTRACE_O_TRACESYSGOOD it is a plain SIGTRAP
    pid = traced(three_calls);
    EQ(TRACE(PTRACE_SYSCALL, pid, 0, 0), 0);
    EQ(next_stop(pid), STOPPED(SIGTRAP));
    stop = siginfo(pid);
    EQ(stop.si_code, SIGTRAP);
    // a signal given at the stop is sent
    EQ(TRACE(PTRACE_SYSCALL, pid, 0, SIGUSR2), 0);
    EQ(next_stop(pid), STOPPED(SIGTRAP));               // the other end comes before it
    EQ(TRACE(PTRACE_SYSCALL, pid, 0, 0), 0);
    EQ(next_stop(pid), STOPPED(SIGUSR2));
    stop = siginfo(pid);
    EQ(stop.si_code, SI_KERNEL);
    EQ(stop.si_pid, 0);
    EQ(TRACE(PTRACE_CONT, pid, 0, SIGUSR2), 0);
    EQ(next_stop(pid), SIGUSR2);

    // SYSEMU: the call is not made, and there is no other end
    pid = traced(three_calls);
    EQ(TRACE(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD), 0);
    EQ(TRACE(PTRACE_SYSEMU, pid, 0, 0), 0);
    EQ(next_stop(pid), SYSCALL_STOP);
    EQ(peek_user(pid, USER(orig_rax)), __NR_getpid);
    EQ(TRACE(PTRACE_POKEUSR, pid, USER(rax), 31), 0);
    EQ(TRACE(PTRACE_SYSEMU, pid, 0, 0), 0);
    EQ(next_stop(pid), SYSCALL_STOP);
    EQ(peek_user(pid, USER(orig_rax)), __NR_getppid);
    EQ(TRACE(PTRACE_CONT, pid, 0, 0), 0);               // neither is this one, which stopped for it
    EQ(next_stop(pid), EXITED(7));
    EQ(page[0], 31);
    EQ(page[1], -ENOSYS);

    // a call that is interrupted: the end tells so before the signal does
    pid = traced(reader);
    EQ(TRACE(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD), 0);
    CHECK(CALL(pid, __NR_pipe2));
    CHECK(CALL(pid, __NR_pipe2));
    CHECK(CALL(pid, __NR_read));
    EQ(TRACE(PTRACE_SYSCALL, pid, 0, 0), 0);
    await_state(pid, 'S');
    EQ(stop_now(pid), 0);
    EQ(sys(kill, pid, SIGUSR1), 0);
    EQ(next_stop(pid), SYSCALL_STOP);
    EQ(peek_user(pid, USER(rax)), -512);                // ERESTARTSYS
    EQ(TRACE(PTRACE_SYSCALL, pid, 0, 0), 0);
    EQ(next_stop(pid), STOPPED(SIGUSR1));
    EQ(peek_user(pid, USER(rax)), -512);
    EQ(peek_user(pid, USER(orig_rax)), __NR_read);
    unsigned long after = peek_user(pid, USER(rip));
    EQ(TRACE(PTRACE_SYSCALL, pid, 0, 0), 0);            // suppressed: the call is made again
    EQ(next_stop(pid), SYSCALL_STOP);
    EQ(peek_user(pid, USER(orig_rax)), __NR_read);
    EQ(peek_user(pid, USER(rip)), after);
    EQ(TRACE(PTRACE_SYSCALL, pid, 0, 0), 0);
    await_state(pid, 'S');
    EQ(sys(kill, pid, SIGUSR1), 0);
    EQ(next_stop(pid), SYSCALL_STOP);
    EQ(TRACE(PTRACE_CONT, pid, 0, 0), 0);
    EQ(next_stop(pid), STOPPED(SIGUSR1));
    EQ(TRACE(PTRACE_POKEUSR, pid, USER(orig_rax), -1), 0);      // no call to be made again
    EQ(TRACE(PTRACE_POKEUSR, pid, USER(rax), -EINTR), 0);
    EQ(TRACE(PTRACE_CONT, pid, 0, 0), 0);
    EQ(next_stop(pid), EXITED(0));
    EQ(page[0], -EINTR);
    EQ(page[1], 1);

    // nanosleep goes on by restart_syscall
    pid = traced(sleeper);
    EQ(TRACE(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD), 0);
    CHECK(CALL(pid, __NR_nanosleep));
    EQ(TRACE(PTRACE_SYSCALL, pid, 0, 0), 0);
    await_state(pid, 'S');
    EQ(sys(kill, pid, SIGUSR1), 0);
    EQ(next_stop(pid), SYSCALL_STOP);
    EQ(peek_user(pid, USER(rax)), -516);                // ERESTART_RESTARTBLOCK
    EQ(TRACE(PTRACE_SYSCALL, pid, 0, 0), 0);
    EQ(next_stop(pid), STOPPED(SIGUSR1));
    CHECK(CALL(pid, __NR_restart_syscall));
    CHECK(CALL(pid, __NR_restart_syscall));
    EQ(peek_user(pid, USER(rax)), 0);
    EQ(TRACE(PTRACE_CONT, pid, 0, 0), 0);
    EQ(next_stop(pid), EXITED(0));
    EQ(page[0], 0);
    EQ(page[1], 0);                                     // written when it was interrupted

    // a handler: sigreturn ends with the registers of what was interrupted, which was no call
    pid = traced(handled);
    EQ(TRACE(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD), 0);
    CHECK(CALL(pid, __NR_rt_sigaction));
    CHECK(CALL(pid, __NR_rt_sigaction));
    CHECK(CALL(pid, __NR_getuid));
    CHECK(CALL(pid, __NR_getuid));
    CHECK(CALL(pid, __NR_getpid));
    CHECK(CALL(pid, __NR_getpid));
    CHECK(CALL(pid, __NR_kill));
    CHECK(CALL(pid, __NR_kill));
    EQ(peek_user(pid, USER(rax)), 0);
    EQ(TRACE(PTRACE_SYSCALL, pid, 0, 0), 0);
    EQ(next_stop(pid), STOPPED(SIGUSR1));
    EQ(peek_user(pid, USER(orig_rax)), __NR_kill);
    EQ(TRACE(PTRACE_SYSCALL, pid, 0, SIGUSR1), 0);
    EQ(next_stop(pid), SYSCALL_STOP);
    EQ(peek_user(pid, USER(orig_rax)), __NR_rt_sigreturn);
    EQ(TRACE(PTRACE_SYSCALL, pid, 0, 0), 0);
    EQ(next_stop(pid), SYSCALL_STOP);
    EQ(peek_user(pid, USER(orig_rax)), -1);
    EQ(peek_user(pid, USER(rax)), 0);
    CHECK(CALL(pid, __NR_getgid));
    EQ(TRACE(PTRACE_CONT, pid, 0, 0), 0);
    EQ(next_stop(pid), EXITED(0));
    EQ(page[5], SIGUSR1);
    return 0;
}
