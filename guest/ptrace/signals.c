// ptrace(2): a signal is the tracer's to suppress, change or let through; its siginfo, masks and queues; SIGKILL is not.
#include "raw_ptrace.h"

static volatile int *page;
static siginfo_t *infos;

static void on_signal(int signo, siginfo_t *info, struct raw_ucontext *context)
{
    (void)context;
    infos[page[9]] = *info;
    page[10 + page[9]++] = signo;
}

static int self_killer(void)
{
    raw_handle(SIGUSR1, on_signal, 0);
    raw_handle(SIGUSR2, on_signal, 0);
    for (int i = 0; i < 4; i++)
        sys(kill, self(), SIGUSR1);
    return 3;
}

static int ignorer(void)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = (__sighandler_t)1;
    sys(rt_sigaction, SIGUSR1, &action, NULL, 8);
    sys(kill, self(), SIGUSR1);
    sys(kill, self(), SIGCHLD);                         // ignored by default, and told all the same
    return 4;
}

static int blocker(void)
{
    unsigned long mask = 1UL << (SIGUSR2 - 1) | 1UL << (SIGRTMIN + 2 - 1);
    raw_handle(SIGUSR2, on_signal, 0);
    sys(rt_sigprocmask, SIG_BLOCK, &mask, NULL, 8);
    siginfo_t info;
    memset(&info, 0, sizeof info);
    info.si_code = SI_QUEUE;
    for (int i = 0; i < 3; i++) {
        info.si_int = 100 + i;
        sys(rt_tgsigqueueinfo, self(), self(), SIGRTMIN + 2, &info);
    }
    info.si_int = 200;
    sys(rt_sigqueueinfo, self(), SIGRTMIN + 2, &info);
    sys(kill, self(), SIGUSR1);
    mask = 1UL << (SIGUSR2 - 1);
    page[5] = sys(rt_sigprocmask, SIG_UNBLOCK, &mask, NULL, 8);
    return 5;
}

static int faulter(void)
{
    *(volatile int *)0x10 = 1;
    return 6;
}

static int forever(void)
{
    for (;;)
        sys(pause);
    return 0;
}

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    page = shared(PAGE);
    infos = shared(PAGE);

    // suppressed, changed, let through
    long pid = traced(self_killer);
    EQ(TRACE(PTRACE_CONT, pid, 0, 0), 0);
    EQ(next_stop(pid), STOPPED(SIGUSR1));
    siginfo_t info = siginfo(pid);
    EQ(info.si_signo, SIGUSR1);
    EQ(info.si_code, SI_USER);
    EQ(info.si_pid, pid);
    EQ(TRACE(PTRACE_CONT, pid, 0, 0), 0);               // nothing happens to it
    EQ(next_stop(pid), STOPPED(SIGUSR1));
    EQ(TRACE(PTRACE_CONT, pid, 0, SIGUSR2), 0);
    EQ(next_stop(pid), STOPPED(SIGUSR1));
    EQ(page[9], 1);
    EQ(page[10], SIGUSR2);
    EQ(infos[0].si_signo, SIGUSR2);
    EQ(infos[0].si_code, SI_USER);
    EQ(infos[0].si_pid, self());                        // the tracer is the sender
    info = siginfo(pid);
    info.si_code = SI_QUEUE;
    info.si_int = 42;
    EQ(TRACE(PTRACE_SETSIGINFO, pid, 0, &info), 0);
    EQ(TRACE(PTRACE_CONT, pid, 0, SIGUSR1), 0);
    EQ(next_stop(pid), STOPPED(SIGUSR1));
    EQ(page[11], SIGUSR1);
    EQ(infos[1].si_code, SI_QUEUE);
    EQ(infos[1].si_int, 42);
    EQ(TRACE(PTRACE_CONT, pid, 0, 65), -EIO);
    EQ(TRACE(PTRACE_CONT, pid, 0, SIGUSR1), 0);
    EQ(next_stop(pid), EXITED(3));
    EQ(page[9], 3);

    // ignored ones are told
    pid = traced(ignorer);
    EQ(TRACE(PTRACE_CONT, pid, 0, 0), 0);
    EQ(next_stop(pid), STOPPED(SIGUSR1));
    EQ(TRACE(PTRACE_CONT, pid, 0, SIGUSR1), 0);
    EQ(next_stop(pid), STOPPED(SIGCHLD));
    EQ(TRACE(PTRACE_CONT, pid, 0, SIGCHLD), 0);
    EQ(next_stop(pid), EXITED(4));

    // masks and queues; an injected signal that is blocked waits, and asks again
    page[9] = 0;
    pid = traced(blocker);
    EQ(TRACE(PTRACE_CONT, pid, 0, 0), 0);
    EQ(next_stop(pid), STOPPED(SIGUSR1));
    unsigned long mask = 0;
    EQ(TRACE(PTRACE_GETSIGMASK, pid, 4, &mask), -EINVAL);
    EQ(TRACE(PTRACE_GETSIGMASK, pid, 8, &mask), 0);
    EQ(mask, 1UL << (SIGUSR2 - 1) | 1UL << (SIGRTMIN + 2 - 1));
    siginfo_t queued[8];
    struct ptrace_peeksiginfo_args args = {0, 0, 8};
    EQ(TRACE(PTRACE_PEEKSIGINFO, pid, &args, queued), 3);
    EQ(queued[0].si_int, 100);
    EQ(queued[2].si_int, 102);
    args.off = 2;
    EQ(TRACE(PTRACE_PEEKSIGINFO, pid, &args, queued), 1);
    EQ(queued[0].si_int, 102);
    args.off = 0, args.flags = PTRACE_PEEKSIGINFO_SHARED;
    EQ(TRACE(PTRACE_PEEKSIGINFO, pid, &args, queued), 1);
    EQ(queued[0].si_int, 200);
    args.flags = 2;
    EQ(TRACE(PTRACE_PEEKSIGINFO, pid, &args, queued), -EINVAL);
    args.flags = 0, args.nr = -1;
    EQ(TRACE(PTRACE_PEEKSIGINFO, pid, &args, queued), -EINVAL);
    args.nr = 3;
    EQ(TRACE(PTRACE_PEEKSIGINFO, pid, &args, BAD_POINTER), -EFAULT);
    EQ(TRACE(PTRACE_PEEKSIGINFO, pid, BAD_POINTER, queued), -EFAULT);
    EQ(TRACE(PTRACE_CONT, pid, 0, SIGUSR2), 0);         // blocked: sent again when it is not
    EQ(next_stop(pid), STOPPED(SIGUSR2));
    info = siginfo(pid);
    EQ(info.si_pid, self());
    EQ(page[9], 0);
    EQ(TRACE(PTRACE_CONT, pid, 0, SIGUSR2), 0);
    EQ(next_stop(pid), EXITED(5));
    EQ(page[9], 1);
    EQ(page[5], 0);

    // a mask that the tracer sets
    pid = traced(forever);
    mask = ~0UL;
    EQ(TRACE(PTRACE_SETSIGMASK, pid, 8, &mask), 0);
    EQ(TRACE(PTRACE_GETSIGMASK, pid, 8, &mask), 0);
    EQ(mask, ~(1UL << (SIGKILL - 1) | 1UL << (SIGSTOP - 1)));
    EQ(TRACE(PTRACE_CONT, pid, 0, 0), 0);
    EQ(sys(kill, pid, SIGTERM), 0);
    nap(20);
    EQ(stop_now(pid), 0);
    EQ(sys(kill, pid, SIGSTOP), 0);
    EQ(next_stop(pid), STOPPED(SIGSTOP));
    EQ(sys(kill, pid, SIGKILL), 0);                     // not the tracer's to decide
    EQ(next_stop(pid), SIGKILL);

    // a fault, and its end
    pid = traced(faulter);
    EQ(TRACE(PTRACE_CONT, pid, 0, 0), 0);
    EQ(next_stop(pid), STOPPED(SIGSEGV));
    info = siginfo(pid);
    EQ(info.si_code, SEGV_MAPERR);
    EQ(info.si_addr, 0x10);
    EQ(peek_user(pid, USER(orig_rax)), -1);
    EQ(TRACE(PTRACE_CONT, pid, 0, 0), 0);               // it faults again
    EQ(next_stop(pid), STOPPED(SIGSEGV));
    EQ(TRACE(PTRACE_CONT, pid, 0, SIGSEGV), 0);
    EQ(next_stop(pid) & 0x7f, SIGSEGV);

    // a traced thread that is stopped is killed by PTRACE_KILL; one that runs too
    pid = traced(forever);
    EQ(TRACE(PTRACE_KILL, pid, 0, 0), 0);
    EQ(next_stop(pid), SIGKILL);
    pid = traced(forever);
    EQ(TRACE(PTRACE_CONT, pid, 0, 0), 0);
    nap(5);
    EQ(TRACE(PTRACE_GETREGS, pid, 0, &mask), -ESRCH);   // it is not stopped
    EQ(TRACE(PTRACE_KILL, pid, 0, 0), 0);
    EQ(next_stop(pid), SIGKILL);

    // group-stop: told once more after the signal was let through; nobody else is told
    pid = traced(forever);
    EQ(TRACE(PTRACE_CONT, pid, 0, 0), 0);
    EQ(sys(kill, pid, SIGTSTP), 0);
    EQ(next_stop(pid), STOPPED(SIGTSTP));
    EQ(TRACE(PTRACE_GETSIGINFO, pid, 0, &info), 0);
    EQ(TRACE(PTRACE_CONT, pid, 0, SIGSTOP), 0);
    EQ(next_stop(pid), STOPPED(SIGSTOP));
    EQ(TRACE(PTRACE_GETSIGINFO, pid, 0, &info), -EINVAL);   // no signal: a group-stop
    EQ(TRACE(PTRACE_LISTEN, pid, 0, 0), -EIO);              // not seized
    EQ(TRACE(PTRACE_CONT, pid, 0, 0), 0);                   // it runs although the group is stopped
    EQ(sys(kill, pid, SIGUSR1), 0);
    EQ(next_stop(pid), STOPPED(SIGUSR1));
    EQ(TRACE(PTRACE_CONT, pid, 0, 0), 0);
    EQ(sys(kill, pid, SIGCONT), 0);
    int status = next_stop(pid);
    EQ(status, STOPPED(SIGCONT));
    EQ(TRACE(PTRACE_CONT, pid, 0, SIGCONT), 0);
    EQ(sys(wait4, pid, &status, WNOHANG | WCONTINUED | __WALL, NULL), pid);
    EQ(status, CONTINUED);
    EQ(sys(kill, pid, SIGKILL), 0);
    EQ(next_stop(pid), SIGKILL);
    return 0;
}
