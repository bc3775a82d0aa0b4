// Process groups and sessions: setpgid(2), setsid(2), getpgid(2), getsid(2) and their errors; kill to groups; a stopped
// group that becomes an orphan gets SIGHUP and SIGCONT.
#include "raw_process.h"

static volatile int *both;

static int checks(char **argv, char **envp)
{
    both = shared(PAGE);
    EQ(sys(setpgid, 0, -1), -EINVAL);
    EQ(sys(setpgid, 1, 0), -ESRCH);                     // nobody's child
    EQ(sys(setpgid, 0x7ffffff0, 0), -ESRCH);
    EQ(sys(getpgid, 0x7ffffff0), -ESRCH);
    EQ(sys(getsid, 0x7ffffff0), -ESRCH);

    long child = sys(fork);
    if (child == 0) {
        EQ(sys(setpgid, 0, 0), 0);
        EQ(sys(getpgrp), self());
        EQ(sys(setsid), -EPERM);                        // leads a group
        both[0] = 1;
        for (;;)
            sys(pause);
    }
    await(&both[0], 1);
    EQ(sys(getpgid, child), child);
    EQ(sys(setpgid, 0, child), 0);                      // join the child's group, and go back
    EQ(sys(getpgrp), child);
    EQ(sys(kill, 0, 0), 0);
    EQ(sys(setpgid, 0, 0x7ffffff0), -EPERM);            // no such group
    

    // another session
    long other = sys(fork);
    if (other == 0) {
        long pid = sys(setsid);
        EQ(pid, self());
        EQ(sys(getsid, 0), pid);
        EQ(sys(getpgrp), pid);
        EQ(sys(setsid), -EPERM);
        EQ(sys(setpgid, 0, 0), -EPERM);                 // a session's leader
        both[1] = 1;
        for (;;)
            sys(pause);
    }
    await(&both[1], 1);
    EQ(sys(getsid, other), other);
    EQ(sys(setpgid, other, 0), -EPERM);
    EQ(sys(setpgid, 0, other), -EPERM);                 // a group of another session
    EQ(sys(kill, other, SIGKILL), 0);
    EQ(wait_status(other), SIGKILL);

    // after execve the parent may not move it any more
    other = sys(fork);
    if (other == 0) {
        char *arguments[] = {argv[0], "x", NULL};
        sys(execve, argv[0], arguments, envp);
        quit(99);
    }
    for (int i = 0; i < 5000 && sys(setpgid, other, 0) == 0; i++)
        nap(1);
    EQ(sys(setpgid, other, 0), -EACCES);
    EQ(sys(kill, other, SIGKILL), 0);
    EQ(wait_status(other), SIGKILL);
    EQ(sys(kill, child, SIGKILL), 0);
    EQ(wait_status(child), SIGKILL);

    // kill to a group
    long first = 0;
    for (int i = 0; i < 3; i++) {
        long pid = sys(fork);
        if (pid == 0)
            for (;;)
                sys(pause);
        if (!first)
            first = pid;
        EQ(sys(setpgid, pid, first), 0);
    }
    EQ(sys(kill, -first, 0), 0);
    EQ(sys(kill, -first, SIGINT), 0);
    int status;
    for (int i = 0; i < 3; i++) {
        CHECK(sys(wait4, -first, &status, 0, NULL) > 0);
        EQ(status, SIGINT);
    }
    EQ(sys(kill, -first, 0), -ESRCH);
    EQ(sys(kill, 0x7ffffff0, 0), -ESRCH);
    EQ(sys(kill, self(), 65), -EINVAL);

    // an orphaned group with a stopped member
    both[2] = 0;
    long middle = sys(fork);
    if (middle == 0) {
        sys(setsid);
        if (sys(fork) == 0) {                           // leads a group of its own and stops
            sys(setpgid, 0, 0);
            both[2] = self();
            sys(kill, self(), SIGSTOP);
            quit(7);                                    // SIGHUP comes first
        }
        while (!both[2])
            nap(1);
        sys(waitid, P_ALL, 0, NULL, WSTOPPED | WNOWAIT, NULL);
        quit(0);
    }
    EQ(wait_status(middle), EXITED(0));
    for (int i = 0; i < 5000 && sys(kill, both[2], 0) == 0; i++)
        nap(1);
    EQ(sys(kill, both[2], 0), -ESRCH);
    return 0;
}

int main(int argc, char **argv, char **envp)
{
    if (argc == 2)
        for (;;)
            sys(pause);
    long child = sys(fork); // one that leads no session, whoever has started this
    if (child == 0)
        quit(checks(argv, envp));
    return wait_status(child) >> 8;
}
