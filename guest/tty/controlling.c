// Controlling terminals (credentials(7), ioctl_tty(2)): who gets one and how, /dev/tty, the foreground, giving it up, and
// the end of the session's leader.
#include "raw_tty.h"

static char name[32];
static int *words;

static void sessions(void)
{
    int number, other;
    EQ(sys(open, "/dev/tty", O_RDWR), -ENXIO);
    EQ(sys(ioctl, slave, TIOCGPGRP, &number), -ENOTTY);
    EQ(sys(ioctl, slave, TIOCGSID, &number), -ENOTTY);
    EQ(sys(ioctl, master, TIOCGPGRP, &number), 0);
    EQ(number, 0);
    EQ(sys(ioctl, master, TIOCGSID, &number), -ENOTTY);
    EQ(sys(ioctl, slave, TIOCNOTTY, 0), -ENOTTY);
    EQ(sys(ioctl, slave, TIOCSPGRP, &number), -ENOTTY);

    int third = sys(open, name, O_WRONLY);                  // for writing alone: not so
    EQ(sys(open, "/dev/tty", O_RDWR), -ENXIO);
    sys(close, third);
    third = sys(open, name, O_RDWR | O_NOCTTY);             // nor with this
    EQ(sys(open, "/dev/tty", O_RDWR), -ENXIO);
    sys(close, third);
    third = sys(open, name, O_RDWR);
    CHECK(third >= 0);
    EQ(sys(ioctl, third, TIOCGPGRP, &number), 0);
    EQ(number, self());
    EQ(sys(ioctl, slave, TIOCGSID, &number), 0);
    EQ(number, self());
    EQ(sys(ioctl, master, TIOCGSID, &number), 0);
    EQ(number, self());
    EQ(sys(ioctl, slave, TIOCSCTTY, 0), 0);                 // once more
    other = sys(open, "/dev/tty", O_RDWR);
    CHECK(other >= 0);
    EQ(sys(ioctl, other, TIOCGPGRP, &number), 0);
    EQ(number, self());
    sys(close, other);
    sys(close, third);

    // the foreground
    EQ(sys(ioctl, slave, TIOCSPGRP, BAD_POINTER), -EFAULT);
    number = -1;
    EQ(sys(ioctl, slave, TIOCSPGRP, &number), -EINVAL);
    number = 0x7ffffff0;
    EQ(sys(ioctl, slave, TIOCSPGRP, &number), -ESRCH);
    number = parent();
    EQ(sys(ioctl, slave, TIOCSPGRP, &number), -EPERM);      // another session's
    long child = sys(fork);
    if (child == 0) {
        sys(setpgid, 0, 0);
        words[0] = 1;
        await(&words[1], 1);
        EQ(sys(ioctl, slave, TIOCGPGRP, &number), 0);
        EQ(number, self());
        EQ(sys(ioctl, slave, TIOCSCTTY, 0), -EPERM);        // no leader
        quit(0);
    }
    await(&words[0], 1);
    number = child;
    EQ(sys(ioctl, slave, TIOCSPGRP, &number), 0);
    words[1] = 1;
    EQ(wait_status(child), EXITED(0));
    EQ(sys(ioctl, slave, TIOCGPGRP, &number), 0);
    EQ(number, child);                                      // although nobody is there
    EQ(sys(kill, 0, 0), 0);

    // a second terminal, and one that another session has
    int first_master = master, first = slave;
    open_pair();
    EQ(sys(ioctl, slave, TIOCSCTTY, 0), -EPERM);
    third = sys(ioctl, master, TIOCGPTPEER, O_RDWR);
    sys(close, third);
    EQ(sys(ioctl, slave, TIOCGSID, &number), -ENOTTY);
    close_pair();
    master = first_master, slave = first;
    child = sys(fork);
    if (child == 0) {
        EQ(sys(setsid), self());
        EQ(sys(open, "/dev/tty", O_RDWR), -ENXIO);
        EQ(sys(ioctl, slave, TIOCSCTTY, 0), -EPERM);
        other = sys(open, name, O_RDWR);
        sys(close, other);
        EQ(sys(open, "/dev/tty", O_RDWR), -ENXIO);
        quit(0);
    }
    EQ(wait_status(child), EXITED(0));
}

static volatile int n_hangups, n_continued;

static void count(int signo, siginfo_t *info, struct raw_ucontext *context)
{
    (void)info, (void)context;
    n_hangups += signo == SIGHUP;
    n_continued += signo == SIGCONT;
}

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    words = shared(PAGE);
    open_pair();
    pts_name(name);
    long child = sys(fork);
    if (child == 0) {
        EQ(sys(setsid), self());
        sessions();
        quit(0);
    }
    EQ(wait_status(child), EXITED(0));

    // the session has ended: the terminal is free, and TIOCNOTTY hangs its foreground up
    words[0] = words[1] = 0;
    child = sys(fork);
    if (child == 0) {
        EQ(sys(setsid), self());
        EQ(sys(ioctl, slave, TIOCSCTTY, 0), 0);
        long other = sys(fork);
        if (other == 0) {
            raw_handle(SIGHUP, count, 0);
            raw_handle(SIGCONT, count, 0);
            words[0] = 1;
            while (!n_hangups || !n_continued)
                sys(pause);
            EQ(sys(open, "/dev/tty", O_RDWR), -ENXIO);      // the whole session has lost it
            quit(6);
        }
        await(&words[0], 1);
        struct sigaction ignore = {0};
        ignore.sa_handler = SIG_IGN;
        sys(rt_sigaction, SIGHUP, &ignore, NULL, 8);
        EQ(sys(ioctl, slave, TIOCNOTTY, 0), 0);
        EQ(sys(open, "/dev/tty", O_RDWR), -ENXIO);
        EQ(wait_status(other), EXITED(6));
        EQ(sys(ioctl, slave, TIOCSCTTY, 0), 0);             // and takes it again
        other = sys(fork);
        if (other == 0) {
            EQ(sys(ioctl, slave, TIOCNOTTY, 0), 0);         // for itself alone, as it leads nothing
            EQ(sys(open, "/dev/tty", O_RDWR), -ENXIO);
            quit(0);
        }
        EQ(wait_status(other), EXITED(0));
        int tty = sys(open, "/dev/tty", O_RDWR);
        CHECK(tty >= 0);
        quit(0);
    }
    EQ(wait_status(child), EXITED(0));

    // the leader ends: SIGHUP for the foreground, and nobody has the terminal
    words[0] = words[1] = 0;
    child = sys(fork);
    if (child == 0) {
        sys(setsid);
        sys(ioctl, slave, TIOCSCTTY, 0);
        if (sys(fork) == 0) {
            raw_handle(SIGHUP, count, 0);
            words[0] = 1;
            while (!n_hangups)
                sys(pause);
            words[1] = 1 + (sys(open, "/dev/tty", O_RDWR) == -ENXIO);
            quit(0);
        }
        await(&words[0], 1);
        quit(0);
    }
    EQ(wait_status(child), EXITED(0));
    for (int i = 0; i < 5000 && !words[1]; i++)
        nap(1);
    EQ(words[1], 2);

    // the master is closed: SIGHUP and SIGCONT for the leader
    words[0] = 0;
    child = sys(fork);
    if (child == 0) {
        sys(close, master);
        sys(setsid);
        sys(ioctl, slave, TIOCSCTTY, 0);
        raw_handle(SIGHUP, count, 0);
        raw_handle(SIGCONT, count, 0);
        words[0] = 1;
        while (!n_hangups || !n_continued)
            sys(pause);
        EQ(sys(open, "/dev/tty", O_RDWR), -ENXIO);
        quit(5);
    }
    await(&words[0], 1);
    sys(close, master);
    EQ(wait_status(child), EXITED(5));
    return 0;
}
