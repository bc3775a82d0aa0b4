// ptrace(2): PTRACE_SEIZE, INTERRUPT and LISTEN: stops without signals, group-stops that last, children that are seized.
#include "raw_ptrace.h"

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

static int spinner(void)
{
    page[0] = 1;
    for (;;)
        page[1]++;
    return 0;
}

static int forker(void)
{
    await(page, 2);
    long child = sys(fork);
    if (child == 0)
        quit(5);
    wait_status(child);
    return 6;
}

static void cont(long pid, int signo)
{
    check(201, __LINE__, TRACE(PTRACE_CONT, pid, 0, signo) == 0, "PTRACE_CONT");
}

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    page = shared(PAGE);
    siginfo_t info;
    int status;

    // a sleeper: seized without its noticing, interrupted, and it sleeps again
    long pid = child_of(sleeper);
    await_state(pid, 'S');
    EQ(TRACE(PTRACE_SEIZE, pid, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK), 0);
    nap(5);
    EQ(stop_now(pid), 0);
    EQ(TRACE(PTRACE_CONT, pid, 0, 0), -ESRCH);
    EQ(TRACE(PTRACE_INTERRUPT, pid, 0, 0), 0);
    EQ(next_stop(pid), GROUP_STOP(SIGTRAP));
    info = siginfo(pid);
    EQ(info.si_signo, SIGTRAP);
    EQ(info.si_code, SIGTRAP | PTRACE_EVENT_STOP << 8);
    EQ(info.si_pid, pid);
    EQ(peek_user(pid, USER(orig_rax)), __NR_pause);
    EQ(peek_user(pid, USER(rax)), -514);                // ERESTARTNOHAND
    EQ(TRACE(PTRACE_SYSCALL, pid, 0, 0), 0);
    EQ(next_stop(pid), SYSCALL_STOP);                   // the call again
    EQ(peek_user(pid, USER(orig_rax)), __NR_pause);
    EQ(TRACE(PTRACE_INTERRUPT, pid, 0, 0), 0);          // while it is stopped: later
    EQ(stop_now(pid), 0);
    cont(pid, 0);
    EQ(next_stop(pid), GROUP_STOP(SIGTRAP));
    cont(pid, 0);

    // a group-stop: the signal, then the stop, which says which signal it was
    EQ(sys(kill, pid, SIGSTOP), 0);
    EQ(next_stop(pid), STOPPED(SIGSTOP));
    cont(pid, SIGSTOP);
    EQ(next_stop(pid), GROUP_STOP(SIGSTOP));
    info = siginfo(pid);
    EQ(info.si_signo, SIGSTOP);
    EQ(info.si_code, SIGSTOP | PTRACE_EVENT_STOP << 8);
    EQ(TRACE(PTRACE_LISTEN, pid, 0, 0), 0);
    EQ(stop_now(pid), 0);
    EQ(TRACE(PTRACE_GETREGS, pid, 0, &info), -ESRCH);   // it listens: it is not to be looked at
    EQ(TRACE(PTRACE_CONT, pid, 0, 0), -ESRCH);
    EQ(sys(kill, pid, SIGCONT), 0);
    EQ(next_stop(pid), GROUP_STOP(SIGTRAP));            // the state of job control has changed
    cont(pid, 0);
    EQ(next_stop(pid), STOPPED(SIGCONT));
    cont(pid, SIGCONT);
    EQ(sys(wait4, pid, &status, WCONTINUED | WNOHANG, NULL), pid);
    EQ(status, CONTINUED);
    EQ(stop_now(pid), 0);

    // listening, and interrupted
    EQ(sys(kill, pid, SIGTSTP), 0);
    EQ(next_stop(pid), STOPPED(SIGTSTP));
    cont(pid, SIGSTOP);
    EQ(next_stop(pid), GROUP_STOP(SIGSTOP));
    EQ(TRACE(PTRACE_LISTEN, pid, 0, 0), 0);
    EQ(TRACE(PTRACE_INTERRUPT, pid, 0, 0), 0);
    EQ(next_stop(pid), GROUP_STOP(SIGSTOP));            // still stopped
    EQ(TRACE(PTRACE_LISTEN, pid, 0, 0), 0);
    EQ(sys(kill, pid, SIGKILL), 0);
    EQ(next_stop(pid), SIGKILL);

    // LISTEN is for group-stops only
    page[0] = 0;
    pid = child_of(spinner);
    await(page, 1);
    EQ(TRACE(PTRACE_SEIZE, pid, 0, 0), 0);
    EQ(TRACE(PTRACE_INTERRUPT, pid, 0, 0), 0);
    EQ(next_stop(pid), GROUP_STOP(SIGTRAP));
    EQ(peek_user(pid, USER(orig_rax)), -1);
    int count = page[1];
    nap(5);
    EQ(page[1], count);
    cont(pid, 0);
    for (int i = 0; i < 2000 && page[1] == count; i++)
        nap(1);
    CHECK(page[1] != count);
    EQ(sys(kill, pid, SIGUSR1), 0);
    EQ(next_stop(pid), STOPPED(SIGUSR1));
    EQ(TRACE(PTRACE_LISTEN, pid, 0, 0), -EIO);
    EQ(TRACE(PTRACE_DETACH, pid, 0, SIGUSR1), 0);
    EQ(wait_status(pid), SIGUSR1);

    // a stopped process is seized: it tells of the stop; detached, it is still stopped
    page[0] = 0;
    pid = child_of(sleeper);
    await(page, 1);
    EQ(sys(kill, pid, SIGSTOP), 0);
    EQ(sys(wait4, pid, &status, WUNTRACED, NULL), pid);
    EQ(TRACE(PTRACE_SEIZE, pid, 0, 0), 0);
    EQ(next_stop(pid), GROUP_STOP(SIGSTOP));
    EQ(TRACE(PTRACE_DETACH, pid, 0, 0), 0);
    nap(5);
    EQ(sys(kill, pid, SIGTERM), 0);
    nap(5);
    EQ(stop_now(pid), 0);
    EQ(sys(kill, pid, SIGCONT), 0);
    EQ(wait_status(pid), SIGTERM);

    // children begin with a stop of their own kind
    page[0] = 0;
    pid = child_of(forker);
    EQ(TRACE(PTRACE_SEIZE, pid, 0, PTRACE_O_TRACEFORK), 0);
    page[0] = 2;
    EQ(next_stop(pid), EVENT_STOP(PTRACE_EVENT_FORK));
    long child = event_message(pid);
    EQ(next_stop(child), GROUP_STOP(SIGTRAP));
    EQ(peek_user(child, USER(rax)), 0);
    cont(child, 0);
    cont(pid, 0);
    EQ(next_stop(child), EXITED(5));
    EQ(next_stop(pid), STOPPED(SIGCHLD));
    cont(pid, SIGCHLD);
    EQ(next_stop(pid), EXITED(6));
    return 0;
}
