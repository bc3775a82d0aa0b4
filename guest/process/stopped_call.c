// A call that a stop interrupts is settled when the process goes on: made again, or EINTR where SIGCONT has a handler
// without SA_RESTART (signal(7)). A stop by SIGTSTP in an orphaned group is none, and what pends beside it is acted on.
#include "raw_process.h"

static volatile int *shared_words;
static volatile int n_handled;

static void count(int signo, siginfo_t *info, struct raw_ucontext *context)
{
    (void)signo, (void)info, (void)context;
    n_handled++;
}

// What a read of an empty pipe gives in a child that is stopped in it and goes on; a byte comes 20 ms later.
static long read_across_stop(int handle, unsigned long flags)
{
    int fds[2];
    EQ(sys(pipe2, fds, 0), 0);
    shared_words[0] = shared_words[1] = shared_words[2] = 0;
    long child = sys(fork);
    if (child == 0) {
        char byte;
        if (handle)
            raw_handle(SIGCONT, count, flags);
        shared_words[0] = 1;
        shared_words[1] = (int)sys(read, fds[0], &byte, 1);
        await(&shared_words[2], 1);
        quit(n_handled);
    }
    await(&shared_words[0], 1);
    nap(20);
    EQ(sys(kill, child, SIGSTOP), 0);
    int status;
    EQ(sys(wait4, child, &status, WUNTRACED, NULL), child);
    EQ(status, STOPPED(SIGSTOP));
    EQ(sys(kill, child, SIGCONT), 0);
    EQ(sys(wait4, child, &status, WCONTINUED, NULL), child);
    EQ(status, CONTINUED);
    shared_words[2] = 1;
    nap(20);
    EQ(sys(write, fds[1], "x", 1), 1);
    EQ(wait_status(child), EXITED(handle));
    sys(close, fds[0]);
    sys(close, fds[1]);
    return shared_words[1];
}

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    shared_words = shared(PAGE);
    EQ(read_across_stop(0, 0), 1);
    EQ(read_across_stop(1, 0), -EINTR);
    EQ(read_across_stop(1, SA_RESTART), 1);

    // an orphaned group: SIGTSTP does nothing, SIGURG behind it is handled, in one return from one call
    long child = sys(fork);
    if (child == 0) {
        EQ(sys(setsid), self());
        raw_handle(SIGURG, count, 0);
        unsigned long stop_and_urg = 1UL << (SIGTSTP - 1) | 1UL << (SIGURG - 1), none = 0;
        EQ(sys(rt_sigprocmask, SIG_BLOCK, &stop_and_urg, NULL, 8), 0);
        EQ(sys(kill, self(), SIGTSTP), 0);
        EQ(sys(kill, self(), SIGURG), 0);
        EQ(sys(rt_sigsuspend, &none, 8), -EINTR);
        EQ(n_handled, 1);
        EQ(sys(kill, self(), SIGTSTP), 0);
        EQ(sys(rt_sigprocmask, SIG_UNBLOCK, &stop_and_urg, NULL, 8), 0);
        EQ(n_handled, 1);
        quit(0);
    }
    EQ(wait_status(child), EXITED(0));
    return 0;
}
