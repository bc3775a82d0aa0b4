// wait4(2) and waitid(2): whom they wait for, WNOHANG, WNOWAIT, WUNTRACED, WCONTINUED, what they tell, and their errors.
#include "raw_process.h"

static long sleeper(void)
{
    long child = sys(fork);
    if (child == 0)
        for (;;)
            sys(pause);
    return child;
}

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    int status = 0;
    siginfo_t info;
    EQ(sys(wait4, -1, &status, 0, NULL), -ECHILD);
    EQ(sys(wait4, -1, &status, WNOHANG, NULL), -ECHILD);
    EQ(sys(wait4, -1, &status, 0x100, NULL), -EINVAL);
    EQ(sys(wait4, 1, &status, 0, NULL), -ECHILD);
    EQ(sys(waitid, P_ALL, 0, &info, 0, NULL), -EINVAL);
    EQ(sys(waitid, 9, 0, &info, WEXITED, NULL), -EINVAL);
    EQ(sys(waitid, P_PID, 0, &info, WEXITED, NULL), -EINVAL);
    EQ(sys(waitid, P_ALL, 0, &info, WEXITED, NULL), -ECHILD);

    long child = sleeper();
    EQ(sys(wait4, child, &status, WNOHANG, NULL), 0);
    memset(&info, 0xff, sizeof info);
    EQ(sys(waitid, P_PID, child, &info, WEXITED | WNOHANG, NULL), 0);
    EQ(info.si_signo, 0);
    EQ(info.si_pid, 0);

    EQ(sys(kill, child, SIGSTOP), 0);
    EQ(sys(wait4, child, &status, WUNTRACED, NULL), child);
    EQ(status, STOPPED(SIGSTOP));
    EQ(sys(wait4, child, &status, WUNTRACED | WNOHANG, NULL), 0);       // told once
    EQ(sys(kill, child, SIGCONT), 0);
    EQ(sys(wait4, child, &status, WCONTINUED, NULL), child);
    EQ(status, CONTINUED);
    EQ(sys(wait4, child, &status, WCONTINUED | WNOHANG, NULL), 0);

    EQ(sys(kill, child, SIGTSTP), 0);
    EQ(sys(waitid, P_PID, child, &info, WSTOPPED | WNOWAIT, NULL), 0);
    EQ(info.si_signo, SIGCHLD);
    EQ(info.si_code, CLD_STOPPED);
    EQ(info.si_status, SIGTSTP);
    EQ(info.si_pid, child);
    EQ(info.si_uid, sys(getuid));
    EQ(sys(waitid, P_PID, child, &info, WSTOPPED, NULL), 0);            // WNOWAIT left it there
    EQ(info.si_code, CLD_STOPPED);
    EQ(sys(kill, child, SIGCONT), 0);
    EQ(sys(waitid, P_ALL, 0, &info, WCONTINUED, NULL), 0);
    EQ(info.si_code, CLD_CONTINUED);
    EQ(info.si_status, SIGCONT);
    EQ(sys(kill, child, SIGSTOP), 0);
    EQ(sys(wait4, child, &status, WUNTRACED, NULL), child);
    EQ(sys(kill, child, SIGTERM), 0);                                   // waits until it goes on
    nap(10);
    EQ(sys(wait4, child, &status, WNOHANG, NULL), 0);
    EQ(sys(kill, child, SIGKILL), 0);                                   // does not
    EQ(sys(waitid, P_PID, child, &info, WEXITED | WNOWAIT, NULL), 0);
    EQ(info.si_code, CLD_KILLED);
    CHECK(info.si_status == SIGKILL || info.si_status == SIGTERM);
    EQ(sys(kill, child, SIGTERM), 0);                                   // a zombie may be sent signals
    EQ(sys(getpgid, child), sys(getpgrp));
    EQ(sys(wait4, child, &status, 0, NULL), child);
    EQ(status, info.si_status);
    EQ(sys(kill, child, 0), -ESRCH);

    // a stop that nobody asks about is not told; SA_NOCLDSTOP is about the signal only
    // groups
    long first = sleeper(), second = sleeper();
    EQ(sys(setpgid, first, 0), 0);
    EQ(sys(setpgid, second, first), 0);
    EQ(sys(wait4, 0, &status, WNOHANG, NULL), -ECHILD);                 // nobody is in our group
    EQ(sys(wait4, -first, &status, WNOHANG, NULL), 0);
    EQ(sys(kill, -first, SIGUSR1), 0);
    long got = sys(wait4, -first, &status, 0, NULL);
    CHECK(got == first || got == second);
    EQ(status, SIGUSR1);
    EQ(sys(waitid, P_PGID, first, &info, WEXITED, NULL), 0);
    EQ(info.si_pid, first + second - got);
    EQ(sys(waitid, P_PGID, first, &info, WEXITED, NULL), -ECHILD);

    // another exit signal: only __WCLONE or __WALL
    child = sys(clone, 0, 0, 0, 0, 0);
    if (child == 0)
        quit(4);
    nap(5);
    EQ(sys(wait4, child, &status, 0, NULL), -ECHILD);
    EQ(sys(wait4, child, &status, __WALL, NULL), child);
    EQ(status, EXITED(4));

    // a bad address loses the child's status, and the child is gone
    child = sys(fork);
    if (child == 0)
        quit(1);
    EQ(sys(wait4, child, BAD_POINTER, 0, NULL), -EFAULT);
    EQ(sys(wait4, child, NULL, 0, NULL), -ECHILD);
    return 0;
}
