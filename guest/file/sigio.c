// O_ASYNC: who owns an open file gets a signal when it can be read or written; F_SETOWN, F_SETOWN_EX, F_SETSIG (fcntl(2)).
#include "raw_file.h"

#define O_ASYNC FASYNC
#define RT 40

struct owner {
    int type, pid;
};

static volatile int n_signals, last_code, last_fd, last_band, last_errno;
static void on_signal(int signo UNUSED, siginfo_t *info, struct raw_ucontext *context UNUSED)
{
    n_signals++;
    last_code = info->si_code;
    last_fd = info->si_fd;
    last_band = info->si_band;
    last_errno = info->si_errno;
}

static void owners(int fd)
{
    struct owner owner = {7, 7};
    long me = self();
    EQ(sys(fcntl, fd, F_GETOWN, 0), 0);
    EQ(sys(fcntl, fd, F_GETOWN_EX, &owner), 0);
    EQ(owner.pid, 0);
    EQ(sys(fcntl, fd, F_SETOWN, me), 0);
    EQ(sys(fcntl, fd, F_GETOWN, 0), me);
    EQ(sys(fcntl, fd, F_GETOWN_EX, &owner), 0);
    EQ(owner.type, F_OWNER_PID);
    EQ(owner.pid, me);
    EQ(sys(fcntl, fd, F_SETOWN, 0x3fffffff), -ESRCH);
    EQ(sys(fcntl, fd, F_SETOWN, 0x80000000), -EINVAL);
    EQ(sys(fcntl, fd, F_GETOWN, 0), me);
    EQ(sys(setpgid, 0, 0) <= 0, 1);
    long group = sys(getpgrp), thread = sys(gettid);
    EQ(sys(fcntl, fd, F_SETOWN, -group), 0);
    EQ(sys(fcntl, fd, F_GETOWN_EX, &owner), 0);
    EQ(owner.type, F_OWNER_PGRP);
    EQ(owner.pid, group);
    EQ(sys(fcntl, fd, F_GETOWN, 0), -group);
    owner = (struct owner){F_OWNER_TID, thread};
    EQ(sys(fcntl, fd, F_SETOWN_EX, &owner), 0);
    owner = (struct owner){7, 7};
    EQ(sys(fcntl, fd, F_GETOWN_EX, &owner), 0);
    EQ(owner.type, F_OWNER_TID);
    EQ(owner.pid, thread);
    owner = (struct owner){3, 0};
    EQ(sys(fcntl, fd, F_SETOWN_EX, &owner), -EINVAL);
    owner = (struct owner){1, 0x3fffffff};
    EQ(sys(fcntl, fd, F_SETOWN_EX, &owner), -ESRCH);
    EQ(sys(fcntl, fd, F_SETOWN_EX, BAD_POINTER), -EFAULT);
    EQ(sys(fcntl, fd, F_GETOWN_EX, BAD_POINTER), -EFAULT);
    owner = (struct owner){F_OWNER_PID, 0};
    EQ(sys(fcntl, fd, F_SETOWN_EX, &owner), 0);
    EQ(sys(fcntl, fd, F_GETOWN, 0), 0);
    long child = IN_CHILD(quit(0)); // one that has ended
    EQ(sys(fcntl, fd, F_SETOWN, child), 0);
    wait_status(child);
    EQ(sys(fcntl, fd, F_GETOWN, 0), 0);
    EQ(sys(fcntl, fd, F_GETSIG, 0), 0);
    EQ(sys(fcntl, fd, F_SETSIG, 65), -EINVAL);
    EQ(sys(fcntl, fd, F_SETSIG, -1), -EINVAL);
    EQ(sys(fcntl, fd, F_SETSIG, 64), 0);
    EQ(sys(fcntl, fd, F_GETSIG, 0), 64);
    EQ(sys(fcntl, fd, F_SETSIG, 0), 0);
}

static void pipes(int *ends)
{
    char c[20000];
    EQ(sys(fcntl, ends[0], F_SETOWN, self()), 0);
    EQ(sys(fcntl, ends[0], F_SETFL, O_ASYNC), 0);
    EQ(sys(fcntl, ends[0], F_GETFL, 0), O_ASYNC);
    EQ(sys(write, ends[1], "a", 1), 1);
    EQ(n_signals, 1);
    EQ(last_code, 0x80); // SI_KERNEL: without F_SETSIG it says nothing
    EQ(sys(write, ends[1], "b", 1), 1);
    EQ(n_signals, 2); // each write
    EQ(sys(read, ends[0], c, 1), 1);
    EQ(n_signals, 2);
    EQ(sys(fcntl, ends[0], F_SETSIG, RT), 0);
    EQ(sys(write, ends[1], "c", 1), 1);
    EQ(n_signals, 3);
    EQ(last_code, 1); // POLL_IN
    EQ(last_fd, ends[0]);
    EQ(last_band, 0x41); // POLLIN | POLLRDNORM
    EQ(last_errno, 0);
    EQ(sys(fcntl, ends[0], F_SETFL, 0), 0);
    EQ(sys(fcntl, ends[0], F_GETFL, 0), 0);
    EQ(sys(write, ends[1], "d", 1), 1);
    EQ(n_signals, 3);
    EQ(sys(fcntl, ends[1], F_SETOWN, self()), 0);
    EQ(sys(fcntl, ends[1], F_SETSIG, SIGIO), 0);
    EQ(sys(fcntl, ends[1], F_SETFL, O_ASYNC | O_NONBLOCK), 0);
    EQ(sys(fcntl, ends[1], F_GETFL, 0), O_ASYNC | O_NONBLOCK | O_WRONLY);
    EQ(sys(read, ends[0], c, 1), 1);
    EQ(n_signals, 4); // each read
    EQ(last_code, 2); // POLL_OUT
    EQ(last_band, 0x304); // POLLOUT | POLLWRNORM | POLLWRBAND
    EQ(last_fd, ends[1]);
    int on = 1, off = 0;
    EQ(sys(ioctl, ends[1], 0x5452, &off), 0); // FIOASYNC
    EQ(sys(fcntl, ends[1], F_GETFL, 0), O_NONBLOCK | O_WRONLY);
    EQ(sys(ioctl, ends[0], 0x5452, &on), 0);
    EQ(sys(fcntl, ends[0], F_GETFL, 0), O_ASYNC);
    sys(close, ends[1]); // the end is news too
    EQ(n_signals, 5);
    EQ(last_code, 1);
}

static void blocked(void)
{
    int ends[2];
    unsigned long mask = 1UL << (RT - 1), old, info[16];
    EQ(sys(pipe2, ends, 0), 0);
    EQ(sys(fcntl, ends[0], F_SETOWN, self()), 0);
    EQ(sys(fcntl, ends[0], F_SETSIG, RT), 0);
    EQ(sys(fcntl, ends[0], F_SETFL, O_ASYNC), 0);
    EQ(sys(rt_sigprocmask, 0, &mask, &old, 8), 0);
    for (int i = 0; i < 3; i++)
        EQ(sys(write, ends[1], "x", 1), 1);
    struct __kernel_timespec now = {0, 0};
    for (int i = 0; i < 3; i++)
        EQ(sys(rt_sigtimedwait, &mask, info, &now, 8), RT); // queued
    EQ(sys(rt_sigtimedwait, &mask, info, &now, 8), -EAGAIN);
    int twin = sys(dup, ends[0]);
    sys(close, ends[0]); // by its descriptor's number it was asked for; the signals go on as long as it is open
    EQ(sys(write, ends[1], "x", 1), 1);
    EQ(sys(rt_sigtimedwait, &mask, info, &now, 8), RT);
    sys(close, twin);
    EQ(sys(rt_sigprocmask, 2, &old, NULL, 8), 0);
}

static void sockets(void)
{
    int pair[2];
    EQ(sys(socketpair, 1, 1, 0, pair), 0);
    EQ(sys(fcntl, pair[0], F_SETOWN, self()), 0);
    EQ(sys(fcntl, pair[0], F_SETSIG, RT), 0);
    EQ(sys(fcntl, pair[0], F_SETFL, O_ASYNC), 0);
    EQ(sys(fcntl, pair[0], F_GETFL, 0), O_ASYNC | O_RDWR);
    n_signals = 0;
    EQ(sys(write, pair[1], "x", 1), 1);
    EQ(n_signals, 1);
    EQ(last_code, 1);
    EQ(last_fd, pair[0]);
    sys(close, pair[0]);
    sys(close, pair[1]);
}

static void others(void)
{
    int event = sys(eventfd2, 0, 0), file = new_file("file"), on = 1, off = 0;
    EQ(sys(fcntl, event, F_SETFL, O_ASYNC), 0); // knows nothing of that, and does not say so
    EQ(sys(fcntl, event, F_GETFL, 0), O_RDWR);
    EQ(sys(fcntl, file, F_SETFL, O_ASYNC), 0);
    EQ(sys(fcntl, file, F_GETFL, 0), O_RDWR | 0100000);
    EQ(sys(ioctl, file, 0x5452, &on), -ENOTTY);
    EQ(sys(ioctl, file, 0x5452, &off), 0);
    EQ(sys(ioctl, file, 0x5452, BAD_POINTER), -EFAULT);
    EQ(sys(fcntl, file, F_SETOWN, self()), 0); // anything can be owned
    EQ(sys(fcntl, file, F_GETOWN, 0), self());
    int path = sys(open, "file", O_PATH);
    EQ(sys(fcntl, path, F_SETOWN, self()), -EBADF);
    EQ(sys(fcntl, path, F_GETOWN, 0), -EBADF);
}

MAIN
{
    int ends[2];
    EQ(raw_handle(SIGIO, on_signal, 0), 0);
    EQ(raw_handle(RT, on_signal, 0), 0);
    EQ(sys(pipe2, ends, 0), 0);
    owners(ends[0]);
    pipes(ends);
    blocked();
    sockets();
    others();
    return 0;
}
