// SIGCHLD and who gets a child: its siginfo, SA_NOCLDSTOP, SA_NOCLDWAIT and SIG_IGN (no zombie), orphans and
// PR_SET_CHILD_SUBREAPER, PR_SET_PDEATHSIG.
#include "raw_process.h"

#include <linux/prctl.h>

static volatile int count;
static siginfo_t last;

static void on_child(int signo, siginfo_t *info, struct raw_ucontext *context)
{
    (void)signo, (void)context;
    last = *info;
    count++;
}

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    int status;
    raw_handle(SIGCHLD, on_child, 0);
    long child = sys(fork);
    if (child == 0)
        quit(17);
    await(&count, 1);
    EQ(last.si_signo, SIGCHLD);
    EQ(last.si_code, CLD_EXITED);
    EQ(last.si_status, 17);
    EQ(last.si_pid, child);
    EQ(last.si_uid, sys(getuid));
    EQ(wait_status(child), EXITED(17));

    child = sys(fork);
    if (child == 0)
        for (;;)
            sys(pause);
    count = 0;
    EQ(sys(kill, child, SIGSTOP), 0);
    await(&count, 1);
    EQ(last.si_code, CLD_STOPPED);
    EQ(last.si_status, SIGSTOP);
    EQ(sys(kill, child, SIGCONT), 0);
    await(&count, 2);
    EQ(last.si_code, CLD_CONTINUED);
    raw_handle(SIGCHLD, on_child, SA_NOCLDSTOP);
    EQ(sys(kill, child, SIGSTOP), 0);
    EQ(sys(wait4, child, &status, WUNTRACED, NULL), child);
    EQ(count, 2);
    EQ(sys(kill, child, SIGKILL), 0);
    EQ(wait_status(child), SIGKILL);
    await(&count, 3);
    EQ(last.si_code, CLD_KILLED);
    EQ(last.si_status, SIGKILL);

    // SA_NOCLDWAIT: the signal, but no zombie
    raw_handle(SIGCHLD, on_child, SA_NOCLDWAIT);
    child = sys(fork);
    if (child == 0)
        quit(1);
    await(&count, 4);
    nap(2);
    EQ(sys(wait4, child, &status, 0, NULL), -ECHILD);
    // SIG_IGN: wait sleeps until all are gone, and then finds nobody
    struct sigaction ignore;
    memset(&ignore, 0, sizeof ignore);
    ignore.sa_handler = SIG_IGN;
    EQ(sys(rt_sigaction, SIGCHLD, &ignore, NULL, 8), 0);
    child = sys(fork);
    if (child == 0) {
        nap(20);
        quit(1);
    }
    EQ(sys(wait4, -1, &status, 0, NULL), -ECHILD);
    EQ(sys(kill, child, 0), -ESRCH);
    ignore.sa_handler = SIG_DFL;
    EQ(sys(rt_sigaction, SIGCHLD, &ignore, NULL, 8), 0);

    // an orphan goes to init, or to the nearest subreaper
    volatile int *both = shared(PAGE);
    child = sys(fork);
    if (child == 0) {
        long own = self();
        if (sys(fork) == 0) {
            while (sys(getppid) == own)
                nap(1);
            both[0] = sys(getppid);
            both[1] = 1;
            quit(3);
        }
        quit(0);
    }
    EQ(wait_status(child), EXITED(0));
    await(&both[1], 1);
    CHECK(both[0] != self());
    EQ(sys(wait4, -1, &status, 0, NULL), -ECHILD);
    EQ(sys(prctl, PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0);
    int is = 0;
    EQ(sys(prctl, PR_GET_CHILD_SUBREAPER, &is, 0, 0, 0), 0);
    EQ(is, 1);
    child = sys(fork);
    if (child == 0) {
        long own = self();
        if (sys(fork) == 0) {
            while (sys(getppid) == own)
                nap(1);
            both[0] = sys(getppid);
            quit(5);
        }
        quit(0);
    }
    EQ(wait_status(child), EXITED(0));
    long adopted = sys(wait4, -1, &status, 0, NULL);
    CHECK(adopted > 0 && adopted != child);
    EQ(status, EXITED(5));
    EQ(both[0], self());
    // a zombie is inherited too
    child = sys(fork);
    if (child == 0) {
        if (sys(fork) == 0)
            quit(6);
        nap(10);
        quit(0);
    }
    EQ(wait_status(child), EXITED(0));
    CHECK(sys(wait4, -1, &status, 0, NULL) > 0);
    EQ(status, EXITED(6));

    // PR_SET_PDEATHSIG
    child = sys(fork);
    if (child == 0) {
        if (sys(fork) == 0) {
            sys(prctl, PR_SET_PDEATHSIG, SIGUSR1, 0, 0, 0);
            both[2] = 1;
            for (;;)
                sys(pause);
        }
        await(&both[2], 1);
        quit(0);
    }
    EQ(wait_status(child), EXITED(0));
    CHECK(sys(wait4, -1, &status, 0, NULL) > 0);
    EQ(status, SIGUSR1);
    return 0;
}
