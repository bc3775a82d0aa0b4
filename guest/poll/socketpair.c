// socketpair(2), AF_UNIX: bytes both ways, poll's events, sizes of streams and messages, MSG_PEEK and MSG_DONTWAIT,
// shutdown(2) and close(2) as the other end sees them, SIGPIPE.
#include "raw_poll.h"

#define AF_UNIX 1
#define STREAM 1
#define DGRAM 2
#define SEQPACKET 5
#define MSG_PEEK 2
#define MSG_TRUNC 0x20
#define MSG_DONTWAIT 0x40
#define MSG_NOSIGNAL 0x4000

static volatile int count;
static char block[1 << 20];

static void on_signal(int signo, siginfo_t *info, struct raw_ucontext *context)
{
    (void)signo, (void)info, (void)context;
    count++;
}

static long send(int fd, const void *data, size_t n, int flags)
{
    return sys(sendto, fd, data, n, flags, NULL, 0);
}

static long recv(int fd, void *data, size_t n, int flags)
{
    return sys(recvfrom, fd, data, n, flags, NULL, NULL);
}

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    int s[2], n;
    char back[16];
    EQ(sys(socketpair, AF_UNIX, STREAM | 0x1000, 0, s), -EINVAL);
    EQ(sys(socketpair, 99, STREAM, 0, s), -EAFNOSUPPORT);
    EQ(sys(socketpair, 99, STREAM, 0, NULL), -EFAULT);
    EQ(sys(socketpair, AF_UNIX, 9, 0, s), -ESOCKTNOSUPPORT);
    EQ(sys(socketpair, AF_UNIX, STREAM, 5, s), -EPROTONOSUPPORT);
    EQ(sys(socketpair, AF_UNIX, STREAM | O_NONBLOCK | O_CLOEXEC, 0, s), 0);
    EQ(sys(fcntl, s[1], F_GETFD), 1);
    EQ(sys(fcntl, s[1], F_GETFL), O_RDWR | O_NONBLOCK);
    EQ(poll_one(s[0], ALL_POLL, 0), POLLOUT | POLLWRNORM);
    EQ(sys(read, s[0], back, 16), -EAGAIN);
    EQ(sys(write, s[1], "abc", 3), 3);
    EQ(send(s[1], "defg", 4, 0), 4);
    EQ(poll_one(s[0], ALL_POLL, 0), POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM);
    sys(ioctl, s[0], 0x541b, &n);
    EQ(n, 7);
    EQ(recv(s[0], back, 5, MSG_PEEK), 5);                       // over the edges of the sends
    EQ(memcmp(back, "abcde", 5), 0);
    EQ(recv(s[0], back, 2, 0), 2);
    EQ(sys(read, s[0], BAD_POINTER, 5), -EFAULT);
    EQ(sys(read, s[0], back, 16), 5);
    EQ(memcmp(back, "cdefg", 5), 0);
    EQ(recv(s[0], back, 16, 0), -EAGAIN);
    EQ(sys(lseek, s[0], 0, 0), -ESPIPE);
    EQ(send(s[0], NULL, 5, 0), -EFAULT);
    EQ(sys(sendto, s[0], "x", 1, 0, "\1", 2), -EISCONN);
    EQ(send(0, "x", 1, 0), -ENOTSOCK);
    EQ(send(99, "x", 1, 0), -EBADF);
    EQ(recv(0, back, 1, 0), -ENOTSOCK);

    // full
    long total = 0, got;
    while ((got = sys(write, s[0], block, sizeof block)) > 0)
        total += got;
    EQ(got, -EAGAIN);
    CHECK(total > 100000 && total < 600000);
    EQ(poll_one(s[0], ALL_POLL, 0), 0);
    EQ(sys(read, s[1], block, 16), 16);
    EQ(poll_one(s[0], ALL_POLL, 0), 0);                         // a quarter may be in flight
    for (long left = total - 16; left > 0; left -= got)
        CHECK((got = sys(read, s[1], block, sizeof block)) > 0);
    EQ(poll_one(s[0], ALL_POLL, 0), POLLOUT | POLLWRNORM);

    // a blocking writer of much, and edges
    int epoll = sys(epoll_create1, 0);
    EQ(watch(epoll, EPOLL_CTL_ADD, s[0], EPOLLIN | EPOLLET, 1), 0);
    sys(write, s[1], "x", 1);
    EQ(next_event(epoll, 0, NULL), 1);
    EQ(next_event(epoll, 0, NULL), -1);
    sys(write, s[1], "x", 1);
    EQ(next_event(epoll, 0, NULL), 1);
    long child = sys(fork);
    if (child == 0) {
        sys(close, s[0]);
        sys(fcntl, s[1], F_SETFL, 0);
        quit(sys(write, s[1], block, sizeof block) == sizeof block ? 0 : 1);
    }
    total = 0;
    while (total < (long)sizeof block + 2) {
        EQ(poll_one(s[0], POLLIN, -1), POLLIN);
        CHECK((got = sys(read, s[0], block, 50000)) > 0);
        total += got;
    }
    EQ(wait_status(child), EXITED(0));
    EQ(sys(read, s[0], block, 1), -EAGAIN);

    // shutdown
    raw_handle(SIGPIPE, on_signal, 0);
    EQ(sys(shutdown, s[0], 3), -EINVAL);
    EQ(sys(shutdown, 0, 0), -ENOTSOCK);
    EQ(sys(write, s[0], "last", 4), 4);
    EQ(sys(shutdown, s[0], 1), 0);
    EQ(poll_one(s[1], ALL_POLL, 0), POLLIN | POLLRDNORM | POLLRDHUP | POLLOUT | POLLWRNORM);
    EQ(sys(write, s[0], "x", 1), -EPIPE);
    EQ(count, 1);
    EQ(send(s[0], "x", 1, MSG_NOSIGNAL), -EPIPE);
    EQ(count, 1);
    EQ(sys(read, s[1], back, 16), 4);
    EQ(sys(read, s[1], back, 16), 0);
    EQ(sys(write, s[1], "still", 5), 5);
    EQ(sys(read, s[0], back, 16), 5);
    EQ(sys(shutdown, s[1], 1), 0);
    EQ(poll_one(s[0], ALL_POLL, 0), POLLIN | POLLRDNORM | POLLRDHUP | POLLOUT | POLLWRNORM | POLLHUP);
    sys(close, s[1]), sys(close, s[0]);

    // close
    EQ(sys(socketpair, AF_UNIX, STREAM, 0, s), 0);
    sys(write, s[1], "bye", 3);
    sys(close, s[1]);
    EQ(poll_one(s[0], ALL_POLL, 0), POLLIN | POLLRDNORM | POLLRDHUP | POLLOUT | POLLWRNORM | POLLHUP);
    EQ(sys(read, s[0], back, 16), 3);
    EQ(sys(read, s[0], back, 16), 0);
    EQ(sys(write, s[0], "x", 1), -EPIPE);
    EQ(count, 2);
    sys(close, s[0]);
    EQ(sys(socketpair, AF_UNIX, STREAM, 0, s), 0);
    sys(write, s[0], "unread", 6);
    sys(close, s[1]);
    CHECK(poll_one(s[0], ALL_POLL, 0) & POLLERR);
    EQ(sys(read, s[0], back, 16), -ECONNRESET);
    EQ(sys(read, s[0], back, 16), 0);

    // messages
    for (int kind = DGRAM; kind <= SEQPACKET; kind += SEQPACKET - DGRAM) {
        EQ(sys(socketpair, AF_UNIX, kind, 0, s), 0);
        EQ(send(s[0], "abc", 3, 0), 3);
        EQ(send(s[0], "", 0, 0), 0);
        EQ(send(s[0], "defgh", 5, 0), 5);
        EQ(recv(s[1], back, 16, MSG_PEEK), 3);
        EQ(recv(s[1], back, 2, MSG_TRUNC), 3);                  // its real length; the rest is lost
        EQ(recv(s[1], back, 16, 0), 0);
        sys(ioctl, s[1], 0x541b, &n);
        EQ(n, 5);
        EQ(sys(read, s[1], back, 3), 3);
        EQ(recv(s[1], back, 16, MSG_DONTWAIT), -EAGAIN);
        EQ(send(s[0], block, sizeof block, 0), -EMSGSIZE);
        child = sys(fork);
        if (child == 0) {
            nap(10);
            quit(send(s[1], "later", 5, 0) == 5 ? 0 : 1);
        }
        EQ(sys(read, s[0], back, 16), 5);
        EQ(wait_status(child), EXITED(0));
        sys(close, s[0]), sys(close, s[1]);
    }
    return 0;
}
