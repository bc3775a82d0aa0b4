// Processes in the background of a terminal: SIGTTIN for who reads, SIGTTOU for who changes it or, with TOSTOP, writes;
// errors where nobody could be stopped (credentials(7), drivers/tty/tty_jobctrl.c).
#include "raw_tty.h"

static int *words;

enum { READ, WRITE, CHANGE, FOREGROUND };

static long act(int what)
{
    char byte;
    int group = sys(getpgrp);
    struct termios now = settings();
    switch (what) {
    case READ: return sys(read, slave, &byte, 1);
    case WRITE: return sys(write, slave, "w", 1);
    case CHANGE: return sys(ioctl, slave, TCSETS, &now);
    default: return sys(ioctl, slave, TIOCSPGRP, &group);
    }
}

static void ignore(int signo)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = SIG_IGN;
    sys(rt_sigaction, signo, &action, NULL, 8);
}

// What the act gives in a child in a group of its own, in the background.
static long in_background(int what, int ignored, int blocked)
{
    unsigned long mask = blocked ? 1UL << (blocked - 1) : 0;
    words[0] = 12345;
    long child = sys(fork);
    if (child == 0) {
        sys(setpgid, 0, 0);
        if (ignored)
            ignore(ignored);
        sys(rt_sigprocmask, SIG_BLOCK, &mask, NULL, 8);
        words[0] = act(what);
        quit(0);
    }
    int status;
    EQ(sys(wait4, child, &status, WUNTRACED, NULL), child);
    if (status != EXITED(0)) {
        CHECK((status & 0xff) == 0x7f);
        EQ(words[0], 12345);
        sys(kill, child, SIGKILL);
        EQ(wait_status(child), SIGKILL);
        return 1000 + (status >> 8);
    }
    return words[0];
}

static void leader(void)
{
    EQ(sys(setsid), self());
    EQ(sys(ioctl, slave, TIOCSCTTY, 0), 0);
    ignore(SIGHUP);
    EQ(in_background(READ, 0, 0), 1000 + SIGTTIN);
    EQ(in_background(READ, SIGTTIN, 0), -EIO);
    EQ(in_background(READ, 0, SIGTTIN), -EIO);
    EQ(in_background(WRITE, 0, 0), 1);
    EQ(in_background(CHANGE, 0, 0), 1000 + SIGTTOU);
    EQ(in_background(CHANGE, SIGTTOU, 0), 0);
    EQ(in_background(CHANGE, 0, SIGTTOU), 0);
    EQ(in_background(FOREGROUND, 0, 0), 1000 + SIGTTOU);
    with(TOSTOP);
    EQ(in_background(WRITE, 0, 0), 1000 + SIGTTOU);
    EQ(in_background(WRITE, SIGTTOU, 0), 1);
    EQ(in_background(WRITE, 0, SIGTTOU), 1);
    without(TOSTOP);

    // a group whose parent has gone is an orphan: nobody would make it go on
    words[1] = 0;
    long child = sys(fork);
    if (child == 0) {
        if (sys(fork) == 0) {
            sys(setpgid, 0, 0);
            while (parent() != words[2])
                nap(1);
            words[3] = act(READ);
            words[4] = act(CHANGE);
            words[5] = act(FOREGROUND);
            words[6] = act(WRITE);
            words[1] = 1;
            quit(0);
        }
        quit(0);
    }
    words[2] = 1;
    EQ(wait_status(child), EXITED(0));
    for (int i = 0; i < 3000 && !words[1]; i++)
        nap(1);
    EQ(words[3], -EIO);
    EQ(words[4], -EIO);
    EQ(words[5], -ENOTTY);
    EQ(words[6], 1);

    // one that is continued in the foreground reads on
    child = sys(fork);
    if (child == 0) {
        char byte;
        sys(setpgid, 0, 0);
        quit(sys(read, slave, &byte, 1) == 1 ? byte : 99);
    }
    int status, group = child;
    EQ(sys(wait4, child, &status, WUNTRACED, NULL), child);
    EQ(status, STOPPED(SIGTTIN));
    EQ(sys(ioctl, slave, TIOCSPGRP, &group), 0);
    EQ(sys(kill, -child, SIGCONT), 0);
    type("7\n");
    EQ(wait_status(child), EXITED('7'));
    quit(0);
}

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    words = shared(PAGE);
    open_pair();
    without(ECHO);
    long child = sys(fork);
    if (child == 0)
        leader();
    EQ(wait_status(child), EXITED(0));
    return 0;
}
