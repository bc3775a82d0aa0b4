// ptrace(2): PTRACE_ATTACH and DETACH; a tracer beside the real parent, and what each is told; the tracer's end; rights.
#include "raw_ptrace.h"
#include <linux/prctl.h>

static volatile int *page;

static long child_of(int (*body)(void))
{
    long pid = sys(fork);
    if (pid == 0)
        quit(body());
    return pid;
}

static int sleeper(void)
{
    page[0] = 1;
    for (;;)
        sys(pause);
    return 0;
}

static int ender(void)
{
    await(page, 2);
    return 8;
}

static int me_twice(void)
{
    page[3] = TRACE(PTRACE_TRACEME, 0, 0, 0);
    page[4] = TRACE(PTRACE_TRACEME, 0, 0, 0);
    return 9;
}

static volatile int *other; // whom the tracer below traces

// A tracer of its own: it does `act` to the process other[0] and stays until page[10]
static long tracer_of(long pid, void (*act)(long pid))
{
    page[10] = page[11] = 0;
    long tracer = sys(fork);
    if (tracer == 0) {
        act(pid);
        page[11] = 1;
        await(page + 10, 1);
        quit(0);
    }
    await(page + 11, 1);
    return tracer;
}

static void attach_and_wait(long pid)
{
    check(201, __LINE__, TRACE(PTRACE_ATTACH, pid, 0, 0) == 0, "PTRACE_ATTACH");
    equal(202, __LINE__, next_stop(pid), STOPPED(SIGSTOP), "status");
}

static void seize_with_exitkill(long pid)
{
    check(203, __LINE__, TRACE(PTRACE_SEIZE, pid, 0, PTRACE_O_EXITKILL) == 0, "PTRACE_SEIZE");
}

static void attach_and_continue(long pid)
{
    attach_and_wait(pid);
    check(204, __LINE__, TRACE(PTRACE_CONT, pid, 0, 0) == 0, "PTRACE_CONT");
}

static void attach_and_see_end(long pid)
{
    attach_and_continue(pid);
    page[0] = 2;
    siginfo_t info;
    check(205, __LINE__, sys(waitid, P_PID, pid, &info, WEXITED | WNOWAIT, NULL) == 0, "waitid");
    check(206, __LINE__, info.si_status == 8, "si_status");
}

static int as_other_user(void)
{
    if (sys(getuid) != 0)
        return 0;                                       // only root can try
    check(220, __LINE__, sys(setresuid, 12345, 12345, 12345) == 0, "setresuid");
    check(221, __LINE__, TRACE(PTRACE_ATTACH, page[20], 0, 0) == -EPERM, "attach to another user's process");
    check(222, __LINE__, TRACE(PTRACE_SEIZE, page[20], 0, 0) == -EPERM, "seize another user's process");
    long pid = child_of(sleeper);
    check(223, __LINE__, sys(prctl, PR_SET_DUMPABLE, 1, 0, 0, 0) == 0, "prctl");
    long quiet = sys(fork);
    if (quiet == 0) {
        sys(prctl, PR_SET_DUMPABLE, 0, 0, 0, 0);
        page[21] = 1;
        for (;;)
            sys(pause);
    }
    await(page + 21, 1);
    check(224, __LINE__, TRACE(PTRACE_ATTACH, quiet, 0, 0) == -EPERM, "attach to what is not dumpable");
    sys(kill, pid, SIGKILL), sys(kill, quiet, SIGKILL);
    return 0;
}

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    page = shared(PAGE);
    other = page + 20;
    siginfo_t info;
    int status;

    EQ(wait_status(child_of(me_twice)), EXITED(9));
    EQ(page[3], 0);
    EQ(page[4], -EPERM);

    // attach to a sleeper
    long pid = child_of(sleeper);
    await(page, 1);
    await_state(pid, 'S');
    EQ(TRACE(PTRACE_ATTACH, pid, 0, 0), 0);
    EQ(next_stop(pid), STOPPED(SIGSTOP));
    info = siginfo(pid);
    EQ(info.si_signo, SIGSTOP);
    EQ(info.si_code, SI_KERNEL);
    EQ(info.si_pid, 0);
    EQ(peek_user(pid, USER(orig_rax)), __NR_pause);
    EQ(peek_user(pid, USER(rax)), -514);
    EQ(TRACE(PTRACE_DETACH, pid, 0, 65), -EIO);
    EQ(TRACE(PTRACE_DETACH, pid, 0, 0), 0);
    EQ(TRACE(PTRACE_DETACH, pid, 0, 0), -ESRCH);
    nap(5);
    EQ(stop_now(pid), 0);
    // detached with SIGSTOP it is stopped, as by job control
    EQ(TRACE(PTRACE_ATTACH, pid, 0, 0), 0);
    EQ(next_stop(pid), STOPPED(SIGSTOP));
    EQ(TRACE(PTRACE_DETACH, pid, 0, SIGSTOP), 0);
    EQ(sys(wait4, pid, &status, WUNTRACED, NULL), pid);
    EQ(status, STOPPED(SIGSTOP));
    // and attached again: there are two stops to tell
    EQ(TRACE(PTRACE_ATTACH, pid, 0, 0), 0);
    EQ(next_stop(pid), STOPPED(SIGSTOP));
    EQ(TRACE(PTRACE_CONT, pid, 0, 0), 0);
    nap(5);
    EQ(sys(kill, pid, SIGKILL), 0);
    EQ(next_stop(pid), SIGKILL);

    // the real parent is not told of ptrace-stops; of the end it is told after the tracer
    page[0] = 0;
    pid = child_of(sleeper);
    await(page, 1);
    long tracer = tracer_of(pid, attach_and_wait);
    EQ(sys(wait4, pid, &status, WUNTRACED | WNOHANG, NULL), 0);
    EQ(TRACE(PTRACE_ATTACH, pid, 0, 0), -EPERM);        // one tracer
    page[10] = 1;                                       // the tracer ends: the tracee goes on
    EQ(wait_status(tracer), EXITED(0));
    nap(5);
    EQ(stop_now(pid), 0);
    tracer = tracer_of(pid, attach_and_wait);           // so it can be traced again
    EQ(sys(kill, pid, SIGKILL), 0);
    nap(5);
    EQ(sys(wait4, pid, &status, WNOHANG, NULL), 0);     // not our turn
    page[10] = 1;
    EQ(wait_status(tracer), EXITED(0));
    EQ(wait_status(pid), SIGKILL);

    page[0] = 0;
    pid = child_of(ender);
    tracer = tracer_of(pid, attach_and_see_end);
    EQ(sys(wait4, pid, &status, WNOHANG, NULL), 0);
    page[10] = 1;
    EQ(wait_status(tracer), EXITED(0));
    EQ(wait_status(pid), EXITED(8));

    // a tracer that goes takes its tracees with it, if it has said so
    page[0] = 0;
    pid = child_of(sleeper);
    await(page, 1);
    tracer = tracer_of(pid, seize_with_exitkill);
    page[10] = 1;
    EQ(wait_status(tracer), EXITED(0));
    EQ(wait_status(pid), SIGKILL);

    // the real parent's view of a tracee that job control stops
    page[0] = 0;
    pid = child_of(sleeper);
    await(page, 1);
    tracer = tracer_of(pid, attach_and_continue);
    EQ(sys(kill, pid, SIGKILL), 0);
    nap(5);
    page[10] = 1;
    EQ(wait_status(tracer), EXITED(0));
    EQ(wait_status(pid), SIGKILL);

    // rights
    page[0] = 0;
    page[20] = pid = child_of(sleeper);
    await(page, 1);
    EQ(wait_status(child_of(as_other_user)), EXITED(0));
    EQ(sys(kill, pid, SIGKILL), 0);
    EQ(wait_status(pid), SIGKILL);

    // wait options
    pid = traced(sleeper);
    EQ(sys(wait4, pid, &status, WNOHANG, NULL), 0);
    EQ(TRACE(PTRACE_CONT, pid, 0, 0), 0);
    EQ(sys(kill, pid, SIGUSR1), 0);
    memset(&info, 0, sizeof info);
    EQ(sys(waitid, P_PID, pid, &info, WEXITED | WNOWAIT, NULL), 0);     // no WSTOPPED needed
    EQ(info.si_code, CLD_TRAPPED);
    EQ(info.si_status, SIGUSR1);
    EQ(sys(waitid, P_PID, pid, &info, WSTOPPED, NULL), 0);
    EQ(sys(waitid, P_PID, pid, &info, WSTOPPED | WNOHANG, NULL), 0);
    EQ(info.si_pid, 0);
    EQ(TRACE(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACEEXIT), 0);
    EQ(TRACE(PTRACE_CONT, pid, 0, SIGUSR1), 0);
    EQ(sys(waitid, P_PID, pid, &info, WSTOPPED, NULL), 0);
    EQ(info.si_code, CLD_TRAPPED);
    EQ(info.si_status, SIGTRAP | PTRACE_EVENT_EXIT << 8);
    EQ(TRACE(PTRACE_CONT, pid, 0, 0), 0);
    EQ(next_stop(pid), SIGUSR1);
    return 0;
}
