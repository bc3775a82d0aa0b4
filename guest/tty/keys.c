// Keys that are signals, for the foreground alone: INTR, QUIT, SUSP, with and without NOFLSH; a new window size is
// SIGWINCH; TIOCSIG; packet mode tells the master of what happens (termios(3), ioctl_tty(2)).
#include "raw_tty.h"

static volatile int n_seen[65];

static void count(int signo, siginfo_t *info, struct raw_ucontext *context)
{
    (void)context;
    n_seen[signo] += info->si_code == SI_KERNEL ? 1 : 100;
}

static void await_signal(int signo, int n)
{
    for (int i = 0; n_seen[signo] != n; i++) {
        check(246, __LINE__, i < 5000, "the signal does not come");
        nap(1);
    }
}

static void leader(void)
{
    EQ(sys(setsid), self());
    EQ(sys(ioctl, slave, TIOCSCTTY, 0), 0);
    for (int signo = 1; signo < 32; signo++)
        if (signo != SIGKILL && signo != SIGSTOP && signo != SIGCHLD && signo != SIGSEGV)
            raw_handle(signo, count, SA_RESTART);
    type("abc\x03");
    await_signal(SIGINT, 1);
    type("def\n");
    CHECK(comes(slave, "def\n"));                           // abc is lost
    CHECK(comes(master, "^Cdef\r\n"));
    without(ECHO);
    sys(ioctl, master, TCFLSH, TCIFLUSH);
    type("\x1c");
    await_signal(SIGQUIT, 1);
    type("\x1a");
    await_signal(SIGTSTP, 1);
    with(NOFLSH);
    type("abc\x03");
    await_signal(SIGINT, 2);
    type("def\n");
    CHECK(comes(slave, "abcdef\n"));
    without(ISIG);
    type("\x03\n");
    CHECK(comes(slave, "\x03\n"));
    EQ(n_seen[SIGINT], 2);
    with(ISIG);

    // a group that is not in the foreground hears nothing
    long child = sys(fork);
    if (child == 0) {
        struct sigaction usual;
        memset(&usual, 0, sizeof usual);
        sys(rt_sigaction, SIGTSTP, &usual, NULL, 8);
        sys(setpgid, 0, 0);
        sys(ioctl, slave, TIOCEXCL, 0);                     // to say that it is ready
        for (;;)
            sys(pause);
    }
    for (int exclusive = 0; !exclusive; nap(1))
        sys(ioctl, slave, TIOCGEXCL, &exclusive);
    type("\x03");
    await_signal(SIGINT, 3);
    EQ(sys(kill, child, 0), 0);
    int group = child;
    EQ(sys(ioctl, slave, TIOCSPGRP, &group), 0);
    type("\x1a");
    int status;
    EQ(sys(wait4, child, &status, WUNTRACED, NULL), child);
    EQ(status, STOPPED(20));
    EQ(n_seen[SIGTSTP], 1);
    sys(kill, child, SIGKILL);
    EQ(wait_status(child), SIGKILL);
    group = self();
    unsigned long mask = 1UL << (SIGTTOU - 1);
    sys(rt_sigprocmask, SIG_BLOCK, &mask, NULL, 8);
    EQ(sys(ioctl, slave, TIOCSPGRP, &group), 0);

    // the window
    struct winsize size = {24, 80, 0, 0}, got;
    EQ(sys(ioctl, master, TIOCSWINSZ, &size), 0);
    await_signal(SIGWINCH, 1);
    EQ(sys(ioctl, slave, TIOCGWINSZ, &got), 0);
    EQ(got.ws_row, 24);
    EQ(got.ws_col, 80);
    EQ(sys(ioctl, slave, TIOCSWINSZ, &size), 0);            // the same again is no news
    EQ(n_seen[SIGWINCH], 1);
    size.ws_row = 25;
    EQ(sys(ioctl, slave, TIOCSWINSZ, &size), 0);
    await_signal(SIGWINCH, 2);

    // a signal without a key
    EQ(sys(ioctl, master, TIOCSIG, SIGINT), 0);
    await_signal(SIGINT, 4);
    EQ(sys(ioctl, master, TIOCSIG, SIGTERM), -EINVAL);
    EQ(sys(ioctl, slave, TIOCSIG, SIGINT), -ENOTTY);

    // packet mode
    int on = 1;
    char bytes[16];
    sys(ioctl, master, TCFLSH, TCIFLUSH);
    EQ(sys(ioctl, master, TIOCPKT, &on), 0);
    EQ(sys(ioctl, master, TIOCGPKT, &on), 0);
    EQ(on, 1);
    EQ(sys(write, slave, "data", 4), 4);
    nap(5);
    EQ(sys(read, master, bytes, sizeof bytes), 5);
    EQ(bytes[0], TIOCPKT_DATA);
    EQ(memcmp(bytes + 1, "data", 4), 0);
    EQ(sys(ioctl, slave, TCFLSH, TCIFLUSH), 0);
    CHECK(events(master) & POLLPRI);
    EQ(sys(read, master, bytes, sizeof bytes), 1);
    EQ(bytes[0], TIOCPKT_FLUSHREAD);
    EQ(sys(ioctl, slave, TCXONC, TCOOFF), 0);
    EQ(sys(read, master, bytes, sizeof bytes), 1);
    EQ(bytes[0], TIOCPKT_STOP);
    EQ(sys(ioctl, slave, TCXONC, TCOON), 0);
    EQ(sys(read, master, bytes, sizeof bytes), 1);
    EQ(bytes[0], TIOCPKT_START);
    struct termios now = settings();
    now.c_iflag &= ~IXON;
    set(&now);
    EQ(sys(read, master, bytes, sizeof bytes), 1);
    EQ(bytes[0], TIOCPKT_NOSTOP);
    EQ(events(master), POLLOUT);
    quit(0);
}

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    open_pair();
    long child = sys(fork);
    if (child == 0)
        leader();
    EQ(wait_status(child), EXITED(0));
    return 0;
}
