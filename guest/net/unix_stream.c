// AF_UNIX SOCK_STREAM (unix(7), send(2), recv(2)): the backlog, bytes both ways, peeking, waiting for all, low water,
// shutdown(2), what a close(2) does to the other end, time-outs, and the sizes that ioctl(2) tells.
#include "raw_net.h"

static char block[300000];
static struct iovec piece;
static struct msghdr message;

static long take(int fd, size_t n, int flags)
{
    piece.base = block, piece.len = n;
    message.iov = &piece, message.iovlen = 1, message.name = NULL, message.control = NULL, message.controllen = 0;
    return sys(recvmsg, fd, &message, flags);
}

static int waiting(int fd)
{
    int n = -1;
    check(246, __LINE__, sys(ioctl, fd, FIONREAD, &n) == 0, "FIONREAD");
    return n;
}

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    int s[2], c, d, e, n;
    char back[64];
    ignore(SIGPIPE);

    int listener = new_socket(AF_UNIX, STREAM);
    EQ(bind_unix(listener, "stream"), 0);
    EQ(sys(listen, listener, 1), 0);
    EQ(get_int(listener, SOL_SOCKET, SO_ACCEPTCONN), 1);
    EQ(poll_one(listener, ALL_POLL, 0), 0);
    EQ(sys(accept4, listener, NULL, NULL, 0xffff), -EINVAL);
    EQ(sys(fcntl, listener, F_SETFL, O_RDWR | O_NONBLOCK), 0);
    EQ(sys(accept, listener, NULL, NULL), -EAGAIN);
    c = new_socket(AF_UNIX, STREAM | SOCK_NONBLOCK);
    EQ(poll_one(c, ALL_POLL, 0), POLLOUT | POLLWRNORM | POLLHUP);
    EQ(send(c, "x", 1, 0), -ENOTCONN);
    EQ(recv(c, back, 1, 0), -EINVAL);
    EQ(sys(read, c, back, 1), -EINVAL);
    EQ(sys(write, c, back, 1), -ENOTCONN);
    EQ(send_unix(c, "stream", "x", 1, 0), -EOPNOTSUPP);
    EQ(connect_unix(c, "stream"), 0);
    EQ(send_unix(c, "stream", "x", 1, 0), -EISCONN);
    EQ(send(c, "early", 5, 0), 5);                              // before it is accepted
    d = new_socket(AF_UNIX, STREAM | SOCK_NONBLOCK);
    EQ(connect_unix(d, "stream"), 0);                           // backlog + 1 may wait
    e = new_socket(AF_UNIX, STREAM | SOCK_NONBLOCK);
    EQ(connect_unix(e, "stream"), -EAGAIN);
    EQ(poll_one(listener, ALL_POLL, 0), POLLIN | POLLRDNORM);
    EQ(sys(listen, listener, 2), 0);                            // more may wait now
    EQ(connect_unix(e, "stream"), 0);
    s[0] = c;
    s[1] = sys(accept4, listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    CHECK(s[1] >= 0);
    EQ(sys(fcntl, s[1], F_GETFD), 1);
    EQ(sys(fcntl, s[1], F_GETFL), O_RDWR | O_NONBLOCK);
    EQ(waiting(s[1]), 5);
    EQ(sys(ioctl, listener, FIONREAD, &n), -EINVAL);
    EQ(sys(ioctl, listener, TCGETS, back), -ENOTTY);
    sys(close, listener);                                       // who was not accepted is reset
    EQ(poll_one(d, ALL_POLL, 0), POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM | POLLHUP | POLLRDHUP | POLLERR);
    EQ(recv(d, back, 1, 0), -ECONNRESET);
    EQ(recv(d, back, 1, 0), 0);
    EQ(sock_error(e), ECONNRESET);
    EQ(sock_error(e), 0);
    EQ(send(e, "x", 1, 0), -EPIPE);
    EQ(sys(accept, listener, NULL, NULL), -EBADF);
    sys(close, d);
    sys(close, e);

    // peeking, waiting for all, low water
    EQ(send(s[0], "bird", 4, 0), 4);
    EQ(recv(s[1], back, 64, MSG_PEEK), 9);
    EQ(memcmp(back, "earlybird", 9), 0);
    EQ(recv(s[1], back, 7, MSG_PEEK | MSG_TRUNC), 7);
    EQ(recv(s[1], back, 0, 0), 0);
    EQ(waiting(s[1]), 9);
    EQ(set_int(s[1], SOL_SOCKET, SO_PEEK_OFF, 3), 0);
    EQ(recv(s[1], back, 4, MSG_PEEK), 4);
    EQ(memcmp(back, "lybi", 4), 0);
    EQ(recv(s[1], back, 64, MSG_PEEK), 2);
    EQ(memcmp(back, "rd", 2), 0);
    EQ(recv(s[1], back, 64, MSG_PEEK), -EAGAIN);
    EQ(get_int(s[1], SOL_SOCKET, SO_PEEK_OFF), 9);
    EQ(recv(s[1], back, 5, 0), 5);
    EQ(get_int(s[1], SOL_SOCKET, SO_PEEK_OFF), 4);
    EQ(set_int(s[1], SOL_SOCKET, SO_PEEK_OFF, -1), 0);
    EQ(recv(s[1], back, 10, MSG_WAITALL), 4);                   // it does not wait at all
    EQ(recv(s[1], back, 10, MSG_WAITALL), -EAGAIN);
    EQ(sys(fcntl, s[1], F_SETFL, O_RDWR), 0);
    EQ(recv(s[1], back, 10, MSG_DONTWAIT), -EAGAIN);
    long pid = sys(fork);
    if (pid == 0) {
        for (int i = 0; i < 3; i++) {
            nap(20);
            send(s[0], "abcd", 4, 0);
        }
        quit(0);
    }
    EQ(recv(s[1], back, 10, MSG_WAITALL), 10);
    EQ(memcmp(back, "abcdabcdab", 10), 0);
    wait_status(pid);
    EQ(recv(s[1], back, 64, 0), 2);
    EQ(set_int(s[1], SOL_SOCKET, SO_RCVLOWAT, 6), 0);
    pid = sys(fork);
    if (pid == 0) {
        for (int i = 0; i < 2; i++) {
            nap(20);
            send(s[0], "abcd", 4, 0);
        }
        quit(0);
    }
    CHECK(recv(s[1], back, 64, 0) >= 6);
    wait_status(pid);
    recv(s[1], back, 64, MSG_DONTWAIT);
    EQ(set_int(s[1], SOL_SOCKET, SO_RCVLOWAT, 0), 0);
    EQ(get_int(s[1], SOL_SOCKET, SO_RCVLOWAT), 1);

    // time-outs
    struct __kernel_old_timeval time = {0, 30000};
    EQ(sys(setsockopt, s[1], SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time), 0);
    long start = now_ms();
    EQ(recv(s[1], back, 64, 0), -EAGAIN);
    EQ(sys(read, s[1], back, 64), -EAGAIN);
    EQ(take(s[1], 64, 0), -EAGAIN);
    CHECK(now_ms() - start >= 80);
    EQ(sys(read, s[1], back, 0), 0);
    EQ(recv(s[1], back, 0, 0), -EAGAIN);                        // nothing is waited for, too
    EQ(send(s[0], "abc", 3, 0), 3);
    EQ(recv(s[1], back, 64, MSG_WAITALL), 3);
    time.tv_usec = 1000000;
    EQ(sys(setsockopt, s[1], SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time), -EDOM);
    EQ(sys(setsockopt, s[1], SOL_SOCKET, SO_RCVTIMEO, &time, 8), -EINVAL);
    n = sizeof time;
    EQ(sys(getsockopt, s[1], SOL_SOCKET, SO_RCVTIMEO, &time, &n), 0);
    EQ(n, 16);
    CHECK(time.tv_sec == 0 && time.tv_usec >= 28000 && time.tv_usec <= 32000);

    // back-pressure
    EQ(set_int(s[0], SOL_SOCKET, SO_SNDBUF, 4096), 0);
    EQ(get_int(s[0], SOL_SOCKET, SO_SNDBUF), 8192);
    EQ(set_int(s[0], SOL_SOCKET, SO_SNDBUF, 0), 0);
    EQ(get_int(s[0], SOL_SOCKET, SO_SNDBUF), 4608);
    EQ(set_int(s[0], SOL_SOCKET, SO_SNDBUF, 10000), 0);
    time = (struct __kernel_old_timeval){0, 20000};
    EQ(sys(setsockopt, s[0], SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time), 0);
    sys(fcntl, s[0], F_SETFL, O_RDWR);
    long sent = send(s[0], block, sizeof block, 0);
    CHECK(sent > 5000 && sent < 60000);
    EQ(send(s[0], block, 1, 0), -EAGAIN);
    EQ(sys(write, s[0], block, 10000), -EAGAIN);
    EQ(waiting(s[1]), sent);
    EQ(poll_one(s[0], POLLOUT, 0), 0);
    EQ(sys(ioctl, s[0], TIOCOUTQ, &n), 0);
    CHECK(n >= sent);
    long got = 0;
    while (got < sent)
        got += recv(s[1], block, 1000, 0);
    EQ(got, sent);
    EQ(sys(ioctl, s[0], TIOCOUTQ, &n), 0);
    EQ(n, 0);
    EQ(poll_one(s[0], POLLOUT, 0), POLLOUT);

    // a bad buffer
    EQ(send(s[0], BAD_POINTER, 5, 0), -EFAULT);
    EQ(recv(s[1], BAD_POINTER, 5, MSG_DONTWAIT), -EAGAIN);
    EQ(send(s[0], "abc", 3, 0), 3);
    EQ(recv(s[1], BAD_POINTER, 5, MSG_DONTWAIT), -EFAULT);
    EQ(recv(s[1], KERNEL_POINTER, 5, MSG_DONTWAIT), -EFAULT);
    EQ(recv(s[1], back, 5, 0), 3);                              // it is still there

    // half a connection
    EQ(sys(shutdown, s[0], 3), -EINVAL);
    EQ(sys(shutdown, s[0], SHUT_WR), 0);
    EQ(send(s[0], "x", 1, 0), -EPIPE);
    EQ(send(s[0], "", 0, 0), -EPIPE);
    EQ(recv(s[1], back, 5, 0), 0);
    EQ(poll_one(s[1], ALL_POLL, 0), POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM | POLLRDHUP);
    EQ(send(s[1], "abc", 3, 0), 3);
    EQ(recv(s[0], back, 5, 0), 3);
    EQ(sys(shutdown, s[1], SHUT_WR), 0);
    EQ(poll_one(s[1], ALL_POLL, 0), POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM | POLLRDHUP | POLLHUP);
    sys(close, s[0]);
    sys(close, s[1]);

    // unread bytes at a close: the peer is told, after what it has itself
    pair(s, STREAM);
    EQ(send(s[0], "abc", 3, 0), 3);
    EQ(send(s[1], "def", 3, 0), 3);
    sys(close, s[1]);
    EQ(recv(s[0], back, 64, 0), 3);
    EQ(recv(s[0], back, 64, 0), -ECONNRESET);
    EQ(recv(s[0], back, 64, 0), 0);
    EQ(send(s[0], "x", 1, 0), -EPIPE);
    sys(close, s[0]);

    // a thread that is asleep notices its own end of the connection
    pair(s, STREAM);
    pid = sys(fork);
    if (pid == 0) {
        nap(30);
        sys(shutdown, s[0], SHUT_RD);
        quit(0);
    }
    EQ(recv(s[0], back, 64, 0), 0);
    wait_status(pid);
    EQ(send(s[1], "x", 1, 0), -EPIPE);
    EQ(send(s[1], "x", 1, MSG_NOSIGNAL), -EPIPE);
    sys(close, s[0]);
    sys(close, s[1]);

    // a connection that waits for room
    listener = new_socket(AF_UNIX, STREAM);
    EQ(bind_unix(listener, "slow"), 0);
    EQ(sys(listen, listener, 0), 0);
    c = new_socket(AF_UNIX, STREAM);
    EQ(connect_unix(c, "slow"), 0);
    pid = sys(fork);
    if (pid == 0) {
        nap(30);
        quit(sys(accept, listener, NULL, NULL) < 0);
    }
    d = new_socket(AF_UNIX, STREAM);
    EQ(connect_unix(d, "slow"), 0);
    EQ(wait_status(pid), 0);
    sys(setsockopt, e = new_socket(AF_UNIX, STREAM), SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time);
    EQ(connect_unix(e, "slow"), -EAGAIN);
    EQ(sys(shutdown, listener, SHUT_RD), 0);
    EQ(connect_unix(e, "slow"), -ECONNREFUSED);
    return 0;
}
