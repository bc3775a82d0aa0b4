// AF_UNIX SOCK_DGRAM and SOCK_SEQPACKET (unix(7)): messages stay whole, who sent them, full queues, connect(2) of
// datagram sockets, what is told when the other end is gone.
#include "raw_net.h"

static char block[300000];
static struct iovec piece;
static struct msghdr message;
static struct sockaddr_un from;

static long take(int fd, size_t n, int flags)
{
    piece.base = block, piece.len = n;
    memset(&message, 0, sizeof message);
    message.iov = &piece, message.iovlen = 1, message.name = &from, message.namelen = sizeof from;
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
    int s[2], n;
    char back[64];
    struct sockaddr_un un;
    ignore(SIGPIPE);

    int a = new_socket(AF_UNIX, DGRAM | SOCK_NONBLOCK), b = new_socket(AF_UNIX, DGRAM | SOCK_NONBLOCK);
    EQ(send(a, "x", 1, 0), -ENOTCONN);
    EQ(sys(write, a, "x", 1), -ENOTCONN);
    EQ(recv(a, back, 1, 0), -EAGAIN);
    EQ(recv(a, back, 1, MSG_OOB), -EOPNOTSUPP);
    EQ(send_unix(a, "b", "x", 1, MSG_OOB), -EOPNOTSUPP);
    EQ(poll_one(a, ALL_POLL, 0), POLLOUT | POLLWRNORM);
    EQ(bind_unix(b, "b"), 0);
    EQ(send_unix(a, "nothing", "x", 1, 0), -ENOENT);
    EQ(send_unix(a, "b", "first", 5, 0), 5);
    EQ(send_unix(a, "b", "", 0, 0), 0);
    EQ(send_unix(a, "b", "third", 5, 0), 5);
    EQ(poll_one(b, ALL_POLL, 0), POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM);
    EQ(waiting(b), 5);
    EQ(take(b, 3, MSG_PEEK), 3);
    EQ(message.flags, MSG_TRUNC);
    EQ(message.namelen, 0);                                     // it has no name
    EQ(take(b, 3, MSG_PEEK | MSG_TRUNC), 5);
    EQ(take(b, 2, 0), 2);
    EQ(memcmp(block, "fi", 2), 0);
    EQ(waiting(b), 0);                                          // the empty one
    EQ(take(b, 10, 0), 0);
    EQ(message.flags, 0);
    EQ(bind_unix(a, "a"), 0);                                   // its name is asked for when it is received
    EQ(take(b, 10, 0), 5);
    EQ(message.namelen, 4);
    EQ(strcmp(from.sun_path, "a"), 0);
    EQ(take(b, 10, 0), -EAGAIN);
    EQ(recv(b, back, 0, 0), -EAGAIN);
    EQ(sys(read, b, back, 0), 0);

    // connected datagram sockets
    EQ(connect_unix(a, "b"), 0);
    EQ(send(a, "one", 3, 0), 3);
    EQ(send_unix(a, "b", "two", 3, 0), 3);
    EQ(take(b, 10, 0), 3);
    EQ(take(b, 10, 0), 3);
    n = sizeof un;
    EQ(sys(getpeername, a, &un, &n), 0);
    EQ(n, 4);
    EQ(sys(getpeername, b, &un, &n), -ENOTCONN);
    int c = new_socket(AF_UNIX, DGRAM | SOCK_NONBLOCK);
    EQ(bind_unix(c, "c"), 0);
    EQ(connect_unix(b, "a"), 0);
    EQ(connect_unix(c, "b"), -EPERM);                           // it listens to a alone
    EQ(send_unix(c, "b", "x", 1, 0), -EPERM);
    un.sun_family = AF_UNSPEC;
    EQ(sys(connect, b, &un, 1), -EINVAL);
    EQ(send(a, "lost", 4, 0), 4);
    EQ(sys(connect, b, &un, 2), 0);                             // what was there is thrown away, and a is told
    EQ(sys(getpeername, b, &un, &n), -ENOTCONN);
    EQ(recv(b, back, 10, 0), -EAGAIN);
    EQ(sock_error(a), ECONNRESET);
    EQ(send_unix(c, "b", "x", 1, 0), 1);
    EQ(take(b, 10, 0), 1);

    // a full queue: net.unix.max_dgram_qlen messages, from several senders, as each has its own buffer
    n = 0;
    for (int i = 0; i < 5; i++) {
        int other = new_socket(AF_UNIX, DGRAM | SOCK_NONBLOCK);
        while (send_unix(other, "b", "x", 1, 0) == 1)
            n++;
        EQ(send_unix(other, "b", "x", 1, 0), -EAGAIN);
        sys(close, other);
    }
    CHECK(n >= 5 && n < 600);
    EQ(poll_one(c, POLLOUT, 0), POLLOUT);                       // it is not connected
    EQ(poll_one(a, POLLOUT, 0), 0);                             // and this one is
    EQ(send(a, "x", 1, 0), -EAGAIN);
    for (; n; n--)
        EQ(recv(b, back, 64, 0), 1);
    EQ(recv(b, back, 64, 0), -EAGAIN);
    EQ(poll_one(a, POLLOUT, 0), POLLOUT);
    sys(fcntl, c, F_SETFL, O_RDWR);
    long pid = sys(fork);
    if (pid == 0) {                                             // a sender waits for room
        for (int i = 0; i < 1000; i++)
            if (send_unix(c, "b", &i, 4, 0) != 4)
                quit(1);
        quit(0);
    }
    sys(fcntl, b, F_SETFL, O_RDWR);
    for (int i = 0; i < 1000; i++) {
        if (i % 300 == 0)
            nap(5);
        EQ(recv(b, &n, 4, 0), 4);
        EQ(n, i);
    }
    EQ(wait_status(pid), 0);

    // sizes
    EQ(set_int(a, SOL_SOCKET, SO_SNDBUF, 10000), 0);
    EQ(send(a, block, 20000, 0), -EMSGSIZE);
    EQ(send(a, block, 19969, 0), -EMSGSIZE);                    // 32 less than the buffer
    EQ(send(a, block, 19968, 0), 19968);
    EQ(sys(ioctl, a, TIOCOUTQ, &n), 0);
    CHECK(n > 19968);
    EQ(recv(b, block, sizeof block, 0), 19968);
    EQ(send(a, BAD_POINTER, 3, 0), -EFAULT);
    EQ(send(a, "abc", 3, 0), 3);
    EQ(recv(b, BAD_POINTER, 3, 0), -EFAULT);                    // the message is lost
    EQ(recv(b, back, 3, MSG_DONTWAIT), -EAGAIN);

    // the end
    EQ(sys(shutdown, b, SHUT_RD), 0);
    EQ(send(a, "x", 1, 0), -EPIPE);
    EQ(recv(b, back, 1, 0), 0);
    EQ(recv(b, back, 1, MSG_DONTWAIT), -EAGAIN);
    EQ(poll_one(b, ALL_POLL, 0), POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM | POLLRDHUP);
    sys(close, b);
    EQ(poll_one(a, ALL_POLL, 0), POLLOUT | POLLWRNORM);         // nobody has told it yet
    EQ(send(a, "x", 1, 0), -ECONNREFUSED);
    EQ(send(a, "x", 1, 0), -ENOTCONN);
    EQ(sys(shutdown, a, SHUT_WR), 0);
    EQ(send_unix(a, "c", "x", 1, 0), -EPIPE);

    pair(s, DGRAM);
    EQ(send(s[0], "abc", 3, 0), 3);
    sys(close, s[0]);
    EQ(recv(s[1], back, 64, 0), 3);                             // what was sent is there
    EQ(recv(s[1], back, 64, MSG_DONTWAIT), -EAGAIN);
    EQ(send(s[1], "x", 1, 0), -ECONNREFUSED);
    sys(close, s[1]);

    // SOCK_SEQPACKET
    int l = new_socket(AF_UNIX, SEQPACKET);
    EQ(send(l, "x", 1, 0), -ENOTCONN);
    EQ(recv(l, back, 1, 0), -ENOTCONN);
    EQ(bind_unix(l, "l"), 0);
    EQ(sys(listen, l, 3), 0);
    s[0] = new_socket(AF_UNIX, SEQPACKET);
    EQ(connect_unix(s[0], "l"), 0);
    s[1] = sys(accept, l, NULL, NULL);
    CHECK(s[1] >= 0);
    EQ(send(s[0], "first", 5, 0), 5);
    EQ(send_unix(s[0], "ignored", "second", 6, MSG_EOR), 6);    // the address is not looked at
    EQ(waiting(s[1]), 11);
    EQ(take(s[1], 3, MSG_WAITALL), 3);
    EQ(message.flags & MSG_TRUNC, MSG_TRUNC);
    EQ(take(s[1], 64, 0), 6);
    EQ(poll_one(s[1], ALL_POLL, 0), POLLOUT | POLLWRNORM);
    EQ(send(s[0], "abc", 3, 0), 3);
    EQ(sys(shutdown, s[0], SHUT_WR), 0);
    EQ(send(s[0], "x", 1, 0), -EPIPE);
    EQ(recv(s[1], back, 64, 0), 3);
    EQ(recv(s[1], back, 64, 0), 0);
    EQ(recv(s[1], back, 64, MSG_DONTWAIT), 0);
    EQ(send(s[1], "xyz", 3, 0), 3);
    EQ(send(s[1], "", 0, 0), 0);
    EQ(recv(s[0], back, 64, 0), 3);
    EQ(recv(s[0], back, 64, 0), 0);                             // an empty message
    sys(close, s[1]);
    EQ(send(s[0], "x", 1, 0), -EPIPE);
    EQ(recv(s[0], back, 64, 0), 0);
    EQ(poll_one(s[0], ALL_POLL, 0), POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM | POLLRDHUP | POLLHUP);
    sys(close, s[0]);

    pair(s, SEQPACKET);
    EQ(send(s[0], "abc", 3, 0), 3);
    EQ(send(s[1], "def", 3, 0), 3);
    sys(close, s[1]);
    EQ(recv(s[0], back, 64, 0), -ECONNRESET);                   // the error comes first
    EQ(recv(s[0], back, 64, 0), 3);
    EQ(recv(s[0], back, 64, 0), 0);
    return 0;
}
