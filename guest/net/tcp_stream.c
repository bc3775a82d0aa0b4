// A TCP connection on the loopback (tcp(7), send(2), recv(2)): bytes both ways, half closed, reset, lingering, urgent
// data, corks, back-pressure, and what poll(2) and ioctl(2) say.
#include "raw_net.h"

static char block[1 << 20];

static int number(int fd, unsigned request)
{
    int n = -1;
    check(246, __LINE__, sys(ioctl, fd, request, &n) == 0, "ioctl");
    return n;
}

static long settle(int fd, int events)                          // what poll says once packets have gone about
{
    long got = 0;
    for (int i = 0; i < 200 && (got = poll_one(fd, ALL_POLL, 0)) != events; i++)
        nap(1);
    return got;
}

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    int s[2], n;
    char back[64];
    ignore(SIGPIPE);

    s[0] = new_socket(AF_INET, STREAM);
    EQ(recv(s[0], back, 8, 0), -ENOTCONN);
    EQ(send(s[0], "x", 1, 0), -EPIPE);
    EQ(sys(shutdown, s[0], SHUT_WR), -ENOTCONN);
    EQ(sys(shutdown, s[0], 7), -EINVAL);
    EQ(sys(accept, s[0], NULL, NULL), -EINVAL);
    EQ(number(s[0], FIONREAD), 0);
    sys(close, s[0]);

    tcp_pair(s, SOCK_NONBLOCK);
    EQ(poll_one(s[0], ALL_POLL, 0), POLLOUT | POLLWRNORM);
    EQ(recv(s[1], back, 8, 0), -EAGAIN);
    EQ(send(s[0], "hello", 5, 0), 5);
    EQ(sys(sendto, s[0], " you", 4, 0, &n, sizeof n), 4);       // an address is not looked at
    EQ(settle(s[1], POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM), POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM);
    EQ(number(s[1], FIONREAD), 9);
    EQ(recv(s[1], back, 64, MSG_PEEK), 9);
    EQ(recv(s[1], back, 3, 0), 3);
    EQ(recv(s[1], back, 3, MSG_PEEK), 3);
    EQ(memcmp(back, "lo ", 3), 0);
    EQ(recv(s[1], BAD_POINTER, 2, MSG_TRUNC), 2);               // thrown away
    EQ(recv(s[1], back, 64, MSG_WAITALL), 4);
    EQ(memcmp(back, " you", 4), 0);
    EQ(recv(s[1], back, 0, 0), -EAGAIN);
    EQ(sys(read, s[1], back, 0), 0);
    EQ(send(s[0], "", 0, 0), 0);
    EQ(sys(write, s[0], "abc", 3), 3);
    EQ(poll_one(s[1], POLLIN, 1000), POLLIN);
    EQ(recv(s[1], BAD_POINTER, 3, 0), -EFAULT);
    EQ(sys(read, s[1], back, 64), 3);
    EQ(send(s[0], BAD_POINTER, 3, 0), -EFAULT);
    struct sockaddr_in name;
    n = sizeof name;
    EQ(send(s[0], "abc", 3, 0), 3);
    EQ(poll_one(s[1], POLLIN, 1000), POLLIN);
    EQ(sys(recvfrom, s[1], back, 64, 0, &name, &n), 3);
    EQ(n, 0);                                                   // a stream tells no names

    // half closed
    EQ(sys(shutdown, s[0], SHUT_WR), 0);
    EQ(settle(s[1], POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM | POLLRDHUP),
       POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM | POLLRDHUP);
    EQ(recv(s[1], back, 8, 0), 0);
    EQ(send(s[0], "x", 1, 0), -EPIPE);
    EQ(send(s[1], "still", 5, 0), 5);
    EQ(poll_one(s[0], POLLIN, 1000), POLLIN);
    EQ(recv(s[0], back, 8, 0), 5);
    EQ(sys(shutdown, s[1], SHUT_WR), 0);
    EQ(settle(s[0], POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM | POLLRDHUP | POLLHUP),
       POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM | POLLRDHUP | POLLHUP);
    EQ(recv(s[0], back, 8, 0), 0);
    n = sizeof name;
    EQ(sys(getpeername, s[0], &name, &n), -ENOTCONN);           // it is over
    EQ(sys(shutdown, s[0], SHUT_RDWR), -ENOTCONN);
    EQ(send(s[1], "x", 1, 0), -EPIPE);
    sys(close, s[0]), sys(close, s[1]);

    // the other end is closed: one more send goes through
    tcp_pair(s, SOCK_NONBLOCK);
    sys(close, s[1]);
    EQ(poll_one(s[0], POLLIN, 1000), POLLIN);
    EQ(recv(s[0], back, 8, 0), 0);
    EQ(send(s[0], "x", 1, 0), 1);
    settle(s[0], POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM | POLLRDHUP | POLLHUP | POLLERR);
    EQ(send(s[0], "x", 1, 0), -EPIPE);
    EQ(recv(s[0], back, 8, 0), 0);
    EQ(send(s[0], "x", 1, MSG_NOSIGNAL), -EPIPE);
    sys(close, s[0]);

    // bytes that nobody has read: a reset
    tcp_pair(s, SOCK_NONBLOCK);
    EQ(send(s[0], "lost", 4, 0), 4);
    EQ(send(s[1], "kept", 4, 0), 4);
    EQ(poll_one(s[1], POLLIN, 1000), POLLIN);
    EQ(poll_one(s[0], POLLIN, 1000), POLLIN);
    sys(close, s[1]);
    settle(s[0], POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM | POLLRDHUP | POLLHUP | POLLERR);
    EQ(poll_one(s[0], ALL_POLL, 0), POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM | POLLRDHUP | POLLHUP | POLLERR);
    EQ(recv(s[0], back, 8, 0), 4);
    EQ(recv(s[0], back, 8, 0), -ECONNRESET);
    EQ(recv(s[0], back, 8, 0), 0);
    EQ(send(s[0], "x", 1, 0), -EPIPE);
    sys(close, s[0]);

    // SO_LINGER of nothing
    tcp_pair(s, 0);
    struct linger linger = {1, 0};
    EQ(sys(setsockopt, s[1], SOL_SOCKET, SO_LINGER, &linger, 4), -EINVAL);
    EQ(sys(setsockopt, s[1], SOL_SOCKET, SO_LINGER, &linger, 8), 0);
    sys(close, s[1]);
    EQ(sys(read, s[0], back, 8), -ECONNRESET);
    EQ(sys(read, s[0], back, 8), 0);
    EQ(sys(write, s[0], back, 8), -EPIPE);
    sys(close, s[0]);

    // urgent data
    tcp_pair(s, SOCK_NONBLOCK);
    EQ(recv(s[1], back, 1, MSG_OOB), -EINVAL);
    EQ(number(s[1], SIOCATMARK), 0);
    EQ(send(s[0], "abX", 3, MSG_OOB), 3);
    EQ(send(s[0], "cd", 2, 0), 2);
    EQ(settle(s[1], POLLIN | POLLRDNORM | POLLPRI | POLLOUT | POLLWRNORM), POLLIN | POLLRDNORM | POLLPRI | POLLOUT | POLLWRNORM);
    for (int i = 0; i < 100 && recv(s[1], back, 1, MSG_OOB | MSG_PEEK) != 1; i++)
        nap(1);
    EQ(number(s[1], FIONREAD), 2);
    EQ(recv(s[1], back, 64, 0), 2);                             // up to the mark
    EQ(number(s[1], SIOCATMARK), 1);
    EQ(recv(s[1], back, 1, MSG_OOB), 1);
    EQ(back[0], 'X');
    EQ(recv(s[1], back, 1, MSG_OOB), -EINVAL);
    EQ(recv(s[1], back, 64, 0), 2);
    EQ(memcmp(back, "cd", 2), 0);
    EQ(number(s[1], SIOCATMARK), 0);
    EQ(set_int(s[1], SOL_SOCKET, SO_OOBINLINE, 1), 0);
    EQ(send(s[0], "efY", 3, MSG_OOB), 3);
    EQ(poll_one(s[1], POLLPRI, 1000), POLLPRI);
    EQ(recv(s[1], back, 1, MSG_OOB), -EINVAL);
    EQ(recv(s[1], back, 64, 0), 2);
    EQ(number(s[1], SIOCATMARK), 1);
    EQ(recv(s[1], back, 64, 0), 1);
    EQ(back[0], 'Y');

    // a cork
    EQ(set_int(s[0], SOL_TCP, TCP_CORK, 1), 0);
    EQ(send(s[0], "one ", 4, 0), 4);
    EQ(send(s[0], "two", 3, 0), 3);
    nap(2);
    EQ(recv(s[1], back, 64, 0), -EAGAIN);
    EQ(set_int(s[0], SOL_TCP, TCP_CORK, 0), 0);
    EQ(poll_one(s[1], POLLIN, 1000), POLLIN);
    EQ(recv(s[1], back, 64, 0), 7);
    EQ(send(s[0], "more", 4, MSG_MORE), 4);
    EQ(recv(s[1], back, 64, 0), -EAGAIN);
    EQ(send(s[0], "!", 1, 0), 1);
    EQ(poll_one(s[1], POLLIN, 1000), POLLIN);
    EQ(recv(s[1], back, 64, 0), 5);

    // back-pressure: what the buffers hold, and then every byte in order
    long sent = 0, got, total = 0;
    while ((got = send(s[0], block, sizeof block, 0)) > 0)
        sent += got;
    EQ(got, -EAGAIN);
    CHECK(sent > 100000 && sent < 20000000);
    EQ(poll_one(s[0], POLLOUT, 0), 0);
    CHECK(number(s[0], TIOCOUTQ) > 0);
    sys(close, s[0]);                                           // what was sent still comes, and then the end
    for (int i = 0; total < sent && i < 1000; ) {
        got = recv(s[1], block, sizeof block, 0);
        if (got == -EAGAIN)
            nap(1), i++;
        else
            total += got;
    }
    EQ(total, sent);
    EQ(poll_one(s[1], POLLIN, 1000), POLLIN);
    EQ(recv(s[1], back, 8, 0), 0);
    sys(close, s[1]);

    // a writer that waits, and a reader that is slow
    tcp_pair(s, 0);
    EQ(set_int(s[0], SOL_SOCKET, SO_SNDBUF, 20000), 0);
    EQ(get_int(s[0], SOL_SOCKET, SO_SNDBUF), 40000);
    EQ(set_int(s[1], SOL_SOCKET, SO_RCVBUF, 20000), 0);
    EQ(get_int(s[1], SOL_SOCKET, SO_RCVBUF), 40000);
    long pid = sys(fork);
    if (pid == 0) {
        sys(close, s[1]);
        for (int i = 0; i < 250000; i++)
            ((int *)block)[i] = i;
        quit(sys(write, s[0], block, 1000000) != 1000000);
    }
    sys(close, s[0]);
    int next = 0, part;
    for (total = 0; (got = recv(s[1], (char *)&part + total % 4, 4 - total % 4, 0)) > 0; ) {
        total += got;
        if (total % 4 == 0) {
            EQ(part, next);
            next++;
        }
        if (total == 400)
            nap(20);
    }
    EQ(total, 1000000);
    EQ(wait_status(pid), 0);
    sys(close, s[1]);

    // time-outs, low water, waiting for all
    tcp_pair(s, 0);
    struct __kernel_old_timeval time = {0, 30000};
    EQ(sys(setsockopt, s[1], SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time), 0);
    long start = now_ms();
    EQ(recv(s[1], back, 8, 0), -EAGAIN);
    EQ(sys(read, s[1], back, 8), -EAGAIN);
    CHECK(now_ms() - start >= 55);
    EQ(send(s[0], "ab", 2, 0), 2);
    EQ(recv(s[1], back, 8, MSG_WAITALL), 2);
    EQ(set_int(s[1], SOL_SOCKET, SO_RCVLOWAT, 4), 0);
    EQ(send(s[0], "ab", 2, 0), 2);
    EQ(poll_one(s[1], POLLIN, 20), 0);
    EQ(recv(s[1], back, 8, MSG_DONTWAIT), 2);
    EQ(send(s[0], "abcd", 4, 0), 4);
    EQ(poll_one(s[1], POLLIN, 1000), POLLIN);
    EQ(recv(s[1], back, 8, 0), 4);

    // options
    EQ(get_int(s[0], SOL_TCP, TCP_NODELAY), 0);
    EQ(set_int(s[0], SOL_TCP, TCP_NODELAY, 5), 0);
    EQ(get_int(s[0], SOL_TCP, TCP_NODELAY), 1);
    EQ(set_int(s[0], SOL_TCP, TCP_KEEPIDLE, 0), -EINVAL);
    EQ(set_int(s[0], SOL_TCP, TCP_KEEPIDLE, 20), 0);
    EQ(get_int(s[0], SOL_TCP, TCP_KEEPIDLE), 20);
    EQ(get_int(s[0], SOL_TCP, TCP_KEEPCNT), 9);
    EQ(set_int(s[0], SOL_TCP, 99, 1), -ENOPROTOOPT);
    EQ(get_int(s[0], SOL_TCP, 99) + 1000000, -ENOPROTOOPT);
    EQ(get_int(s[0], 99, 1) + 1000000, -EOPNOTSUPP);
    EQ(set_int(s[0], 99, 1, 1), -ENOPROTOOPT);
    EQ(get_int(s[0], SOL_SOCKET, SO_TYPE), STREAM);
    EQ(get_int(s[0], SOL_SOCKET, SO_PROTOCOL), 6);
    EQ(get_int(s[0], SOL_SOCKET, SO_DOMAIN), AF_INET);
    struct tcp_info info;
    n = sizeof info;
    EQ(sys(getsockopt, s[0], SOL_TCP, TCP_INFO, &info, &n), 0);
    EQ(info.tcpi_state, 1);
    return 0;
}
