// Signals of sockets (socket(7), tcp(7), fcntl(2)): SIGURG for the owner of a socket, SIGIO, the ioctls that set the owner.
#include "raw_net.h"

static volatile int n_urgent, n_io, n_pipe;

static void on_signal(int signo, siginfo_t *info, struct raw_ucontext *context)
{
    (void)info, (void)context;
    if (signo == SIGURG)
        n_urgent++;
    if (signo == SIGIO)
        n_io++;
    if (signo == SIGPIPE)
        n_pipe++;
}

static void wait_for(volatile int *count, int n)
{
    for (int i = 0; i < 200 && *count < n; i++)
        nap(1);
}

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    int s[2], n;
    raw_handle(SIGURG, on_signal, SA_RESTART), raw_handle(SIGIO, on_signal, SA_RESTART), raw_handle(SIGPIPE, on_signal, 0);
    tcp_pair(s, 0);
    EQ(send(s[0], "X", 1, MSG_OOB), 1);
    EQ(poll_one(s[1], POLLPRI, 1000), POLLPRI);
    EQ(n_urgent, 0);                                            // it has no owner
    EQ(sys(fcntl, s[1], F_SETOWN, self()), 0);
    EQ(sys(fcntl, s[1], F_GETOWN), self());
    EQ(sys(ioctl, s[1], FIOGETOWN, &n), 0);
    EQ(n, self());
    EQ(send(s[0], "X", 1, MSG_OOB), 1);
    wait_for(&n_urgent, 1);
    EQ(n_urgent, 1);
    n = 0;
    EQ(sys(ioctl, s[1], SIOCSPGRP, &n), 0);
    EQ(sys(fcntl, s[1], F_GETOWN), 0);
    n = self();
    EQ(sys(ioctl, s[1], FIOSETOWN, &n), 0);
    n = 1;
    EQ(sys(ioctl, s[1], FIOASYNC, &n), 0);
    EQ(sys(fcntl, s[1], F_GETFL), O_RDWR | FASYNC);
    EQ(n_io, 0);
    EQ(send(s[0], "abc", 3, 0), 3);
    wait_for(&n_io, 1);
    CHECK(n_io >= 1);
    n = 0;
    EQ(sys(ioctl, s[1], FIOASYNC, &n), 0);
    sys(close, s[1]);
    for (int i = 0; i < 100 && n_pipe == 0; i++)
        send(s[0], "x", 1, 0), nap(1);
    EQ(n_pipe, 1);
    EQ(send(s[0], "x", 1, MSG_NOSIGNAL), -EPIPE);
    EQ(n_pipe, 1);
    EQ(sys(write, s[0], "x", 1), -EPIPE);
    EQ(n_pipe, 2);

    pair(s, STREAM);
    EQ(sys(fcntl, s[1], F_SETOWN, self()), 0);
    n_urgent = 0;
    EQ(send(s[0], "X", 1, MSG_OOB), 1);
    wait_for(&n_urgent, 1);
    EQ(n_urgent, 1);
    sys(close, s[1]);
    EQ(send(s[0], "x", 1, 0), -EPIPE);
    EQ(n_pipe, 3);
    struct iovec piece = {"x", 1};
    struct msghdr message = {0};
    message.iov = &piece, message.iovlen = 1;
    EQ(sys(sendmsg, s[0], &message, 0), -EPIPE);
    EQ(n_pipe, 4);
    pair(s, SEQPACKET);
    sys(close, s[1]);
    EQ(sys(write, s[0], "x", 1), -EPIPE);
    EQ(n_pipe, 4);                                              // packets do not tell
    return 0;
}
