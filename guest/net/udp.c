// UDP on the loopback (udp(7), ip(7), ipv6(7)): names, connected sockets, what comes back where nobody is, sizes, who gets
// a datagram, control messages, the error queue.
#include "raw_net.h"
#include <linux/errqueue.h>
#include <linux/udp.h>

static char block[70000], control[512];
static struct iovec piece;
static struct msghdr message;
static struct sockaddr_in6 from;

static long take(int fd, size_t n, int flags)
{
    piece.base = block, piece.len = n;
    memset(&message, 0, sizeof message);
    memset(control, 0, sizeof control);
    message.iov = &piece, message.iovlen = 1, message.name = &from, message.namelen = sizeof from;
    message.control = control, message.controllen = sizeof control;
    for (int i = 0; i < 100; i++) {                             // a datagram may take a moment to arrive
        long got = sys(recvmsg, fd, &message, flags | MSG_DONTWAIT);
        if (got != -EAGAIN)
            return got;
        nap(1);
        message.namelen = sizeof from, message.controllen = sizeof control;
    }
    return -EAGAIN;
}

static long send4(int fd, unsigned address, int port, const void *data, size_t n, int flags)
{
    struct sockaddr_in name = in4(address, port);
    return sys(sendto, fd, data, n, flags, &name, sizeof name);
}

static struct cmsghdr *first(void) { return (void *)control; }

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    char back[64];
    int n;
    ignore(SIGPIPE);
    int a = new_socket(AF_INET, DGRAM), b = new_socket(AF_INET, DGRAM);
    EQ(send(a, "x", 1, 0), -EDESTADDRREQ);
    CHECK(port_of(a) != 0);                                     // and has a port by now
    struct sockaddr_in name = in4(LOOPBACK, 9);
    EQ(sys(sendto, a, "x", 1, 0, &name, 15), -EINVAL);
    name.sin_family = 99;
    EQ(sys(sendto, a, "x", 1, 0, &name, 16), -EAFNOSUPPORT);
    EQ(send4(a, LOOPBACK, 0, "x", 1, 0), -EINVAL);
    EQ(send4(a, LOOPBACK, 9, "x", 1, MSG_OOB), -EOPNOTSUPP);
    EQ(sys(listen, a, 1), -EOPNOTSUPP);
    EQ(sys(accept, a, NULL, NULL), -EOPNOTSUPP);
    EQ(sys(shutdown, a, SHUT_RD), -ENOTCONN);
    sys(close, a);
    a = new_socket(AF_INET, DGRAM);
    EQ(poll_one(a, ALL_POLL, 0), POLLOUT | POLLWRNORM);
    EQ(recv(a, back, 8, MSG_DONTWAIT), -EAGAIN);
    EQ(bind4(a, LOOPBACK, 0), 0);
    EQ(bind4(a, LOOPBACK, 0), -EINVAL);
    EQ(bind4(b, LOOPBACK, port_of(a)), -EADDRINUSE);
    EQ(send4(b, LOOPBACK, port_of(a), "first", 5, 0), 5);
    EQ(send4(b, LOOPBACK, port_of(a), "", 0, 0), 0);
    EQ(send4(b, LOOPBACK, port_of(a), "third", 5, 0), 5);
    EQ(take(a, 3, MSG_PEEK), 3);
    EQ(message.flags, MSG_TRUNC);
    EQ(message.namelen, 16);
    EQ(net16(from.sin6_port), port_of(b));
    EQ(sys(ioctl, a, FIONREAD, &n), 0);
    EQ(n, 5);
    EQ(take(a, 2, MSG_TRUNC), 5);
    EQ(take(a, 10, 0), 0);
    EQ(take(a, 10, 0), 5);
    EQ(memcmp(block, "third", 5), 0);
    EQ(recv(a, back, 10, MSG_DONTWAIT), -EAGAIN);

    // nobody there
    int c = new_socket(AF_INET, DGRAM), free_port;
    EQ(bind4(c, LOOPBACK, 0), 0);
    free_port = port_of(c);
    sys(close, c);
    EQ(send4(b, LOOPBACK, free_port, "x", 1, 0), 1);            // not told
    nap(2);
    EQ(send4(b, LOOPBACK, free_port, "x", 1, 0), 1);
    c = new_socket(AF_INET, DGRAM);
    EQ(connect4(c, LOOPBACK, free_port), 0);
    struct sockaddr_in own;
    n = sizeof own;
    EQ(sys(getsockname, c, &own, &n), 0);
    EQ(own.sin_addr.s_addr, net32(LOOPBACK));
    EQ(send(c, "x", 1, 0), 1);
    for (int i = 0; i < 100 && !(poll_one(c, 0, 0) & POLLERR); i++)
        nap(1);
    EQ(send(c, "x", 1, 0), -ECONNREFUSED);
    EQ(send(c, "x", 1, 0), 1);
    for (int i = 0; i < 100 && !(poll_one(c, 0, 0) & POLLERR); i++)
        nap(1);
    EQ(poll_one(c, ALL_POLL, 0), POLLOUT | POLLWRNORM | POLLERR);
    EQ(recv(c, back, 8, MSG_DONTWAIT), -ECONNREFUSED);
    EQ(recv(c, back, 8, MSG_DONTWAIT), -EAGAIN);

    // connected: only its peer is heard
    EQ(connect4(c, LOOPBACK, port_of(a)), 0);
    EQ(connect4(c, LOOPBACK, port_of(a)), 0);
    EQ(send4(b, LOOPBACK, port_of(c), "stranger", 8, 0), 8);
    EQ(send4(a, LOOPBACK, port_of(c), "friend", 6, 0), 6);
    EQ(take(c, 64, 0), 6);
    EQ(send4(c, LOOPBACK, port_of(b), "elsewhere", 9, 0), 9);   // and may send elsewhere
    EQ(take(b, 64, 0), 9);
    struct sockaddr_in none = in4(ANY, 0);
    none.sin_family = AF_UNSPEC;
    n = sizeof own;
    EQ(sys(getpeername, c, &own, &n), 0);
    EQ(sys(connect, c, &none, 16), 0);
    EQ(sys(getpeername, c, &own, &n), -ENOTCONN);
    EQ(sys(getsockname, c, &own, &n), 0);
    EQ(own.sin_port, 0);                                        // the port was not bound: it is given back
    EQ(own.sin_addr.s_addr, 0);
    EQ(send(c, "x", 1, 0), -EDESTADDRREQ);

    // sizes
    EQ(send4(b, LOOPBACK, port_of(a), block, 65536, 0), -EMSGSIZE);
    EQ(send4(b, LOOPBACK, port_of(a), block, 65508, 0), -EMSGSIZE);
    EQ(send4(b, LOOPBACK, port_of(a), block, 65507, 0), 65507);
    EQ(take(a, sizeof block, 0), 65507);
    EQ(send4(b, LOOPBACK, port_of(a), BAD_POINTER, 5, 0), -EFAULT);
    EQ(send4(b, LOOPBACK, port_of(a), "x", 1, 0), 1);
    EQ(poll_one(a, POLLIN, 1000), POLLIN);
    EQ(recv(a, BAD_POINTER, 5, MSG_DONTWAIT), -EFAULT);         // it is lost
    EQ(recv(a, back, 5, MSG_DONTWAIT), -EAGAIN);
    EQ(send4(b, 0x7fffffff, port_of(a), "x", 1, 0), -EACCES);   // broadcast

    // too many: the later ones are lost
    EQ(set_int(a, SOL_SOCKET, SO_RCVBUF, 5000), 0);
    for (int i = 0; i < 200; i++)
        EQ(send4(b, LOOPBACK, port_of(a), &i, 4, 0), 4);
    nap(5);
    n = -1;
    int count = 0, last = -1;
    while (recv(a, &n, 4, MSG_DONTWAIT) == 4) {
        EQ(n, last + 1);
        last = n;
        count++;
    }
    CHECK(count > 3 && count < 100);

    // pieces put together
    EQ(send4(b, LOOPBACK, port_of(a), "one ", 4, MSG_MORE), 4);
    EQ(recv(a, back, 8, MSG_DONTWAIT), -EAGAIN);
    EQ(send4(b, LOOPBACK, port_of(a), "two", 3, 0), 3);
    EQ(take(a, 64, 0), 7);
    EQ(set_int(b, SOL_UDP, UDP_CORK, 1), 0);
    EQ(send4(b, LOOPBACK, port_of(a), "x", 1, 0), 1);
    EQ(send4(b, LOOPBACK, port_of(a), "y", 1, 0), 1);
    EQ(set_int(b, SOL_UDP, UDP_CORK, 0), 0);
    EQ(take(a, 64, 0), 2);

    // control messages
    EQ(set_int(a, SOL_IP, IP_PKTINFO, 1), 0);
    EQ(set_int(a, SOL_IP, IP_RECVTTL, 1), 0);
    EQ(set_int(a, SOL_IP, IP_RECVTOS, 1), 0);
    EQ(set_int(b, SOL_IP, IP_TTL, 33), 0);
    EQ(set_int(b, SOL_IP, IP_TOS, 0x10), 0);
    EQ(send4(b, LOOPBACK, port_of(a), "x", 1, 0), 1);
    EQ(take(a, 64, 0), 1);
    EQ(message.controllen, CMSG_SPACE(12) + CMSG_SPACE(4) + CMSG_SPACE(1));
    EQ(first()->level, SOL_IP);
    EQ(first()->type, IP_PKTINFO);
    struct in_pktinfo *info = CMSG_DATA(first());
    EQ(info->ipi_ifindex, 1);
    EQ(info->ipi_addr.s_addr, net32(LOOPBACK));
    EQ(info->ipi_spec_dst.s_addr, net32(LOOPBACK));
    struct cmsghdr *next = (void *)(control + CMSG_SPACE(12));
    EQ(next->type, IP_TTL);
    EQ(*(int *)CMSG_DATA(next), 33);
    next = (void *)(control + CMSG_SPACE(12) + CMSG_SPACE(4));
    EQ(next->type, IP_TOS);
    EQ(*(char *)CMSG_DATA(next), 0x10);
    EQ(set_int(b, SOL_IP, IP_TTL, 0), -EINVAL);
    EQ(set_int(b, SOL_IP, IP_TTL, -1), 0);
    EQ(get_int(b, SOL_IP, IP_TTL), 64);
    char byte = 0;
    n = 1;
    EQ(sys(getsockopt, b, SOL_IP, IP_TOS, &byte, &n), 0);
    EQ(byte, 0x10);
    EQ(n, 1);

    // the error queue
    EQ(set_int(b, SOL_IP, IP_RECVERR, 1), 0);
    EQ(send4(b, LOOPBACK, free_port, "gone", 4, 0), 4);
    for (int i = 0; i < 100 && !(poll_one(b, 0, 0) & POLLERR); i++)
        nap(1);
    EQ(take(b, 64, 0), -ECONNREFUSED);
    EQ(take(b, 64, MSG_ERRQUEUE), 4);
    EQ(memcmp(block, "gone", 4), 0);
    EQ(message.flags, MSG_ERRQUEUE);
    EQ(net16(from.sin6_port), free_port);
    EQ(first()->type, IP_RECVERR);
    EQ(first()->len, CMSG_LEN(32));
    struct sock_extended_err *error = CMSG_DATA(first());
    EQ(error->ee_errno, ECONNREFUSED);
    EQ(error->ee_origin, SO_EE_ORIGIN_ICMP);
    EQ(error->ee_type, 3);
    EQ(error->ee_code, 3);
    EQ(sys(recvmsg, b, &message, MSG_ERRQUEUE), -EAGAIN);
    EQ(poll_one(b, 0, 0), 0);

    // who gets it: the one that fits best
    int wide = new_socket(AF_INET, DGRAM), narrow = new_socket(AF_INET, DGRAM), joined = new_socket(AF_INET, DGRAM);
    EQ(set_int(wide, SOL_SOCKET, SO_REUSEADDR, 1), 0);
    EQ(set_int(narrow, SOL_SOCKET, SO_REUSEADDR, 1), 0);
    EQ(set_int(joined, SOL_SOCKET, SO_REUSEADDR, 1), 0);
    EQ(bind4(wide, ANY, 0), 0);
    int port = port_of(wide);
    EQ(bind4(narrow, LOOPBACK, port), 0);
    EQ(bind4(joined, LOOPBACK, port), 0);
    EQ(connect4(joined, LOOPBACK, port_of(b)), 0);
    EQ(send4(b, LOOPBACK, port, "joined", 6, 0), 6);
    EQ(send4(a, LOOPBACK, port, "narrow", 6, 0), 6);
    EQ(send4(a, LOOPBACK + 1, port, "wide", 4, 0), 4);
    EQ(take(joined, 64, 0), 6);
    EQ(take(narrow, 64, 0), 6);
    EQ(take(wide, 64, 0), 4);

    // AF_INET6
    int six = new_socket(AF_INET6, DGRAM);
    EQ(bind6(six, 0, 0), 0);
    EQ(send4(b, LOOPBACK, port_of(six), "four", 4, 0), 4);
    EQ(take(six, 64, 0), 4);
    EQ(message.namelen, 28);
    EQ(from.sin6_addr.s6_addr[10], 0xff);
    EQ(from.sin6_addr.s6_addr[15], 1);
    struct sockaddr_in6 to = in6(-1, port_of(a));
    EQ(sys(sendto, six, "mapped", 6, 0, &to, sizeof to), 6);
    EQ(take(a, 64, 0), 6);
    name = in4(LOOPBACK, port_of(a));
    EQ(sys(sendto, six, "plain", 5, 0, &name, sizeof name), 5); // an IPv4 name does too
    EQ(take(a, 64, 0), 5);
    EQ(set_int(six, SOL_IPV6, IPV6_RECVPKTINFO, 1), 0);
    EQ(set_int(six, SOL_IPV6, IPV6_RECVHOPLIMIT, 1), 0);
    int six2 = new_socket(AF_INET6, DGRAM);
    to = in6(1, port_of(six));
    EQ(sys(sendto, six2, "six", 3, 0, &to, sizeof to), 3);
    EQ(take(six, 64, 0), 3);
    EQ(message.controllen, CMSG_SPACE(20) + CMSG_SPACE(4));
    EQ(first()->level, SOL_IPV6);
    EQ(first()->type, IPV6_PKTINFO);
    EQ(((char *)CMSG_DATA(first()))[15], 1);
    EQ(send4(six2, LOOPBACK, 0, "x", 1, 0), -EINVAL);
    EQ(sys(sendto, six2, block, 65528, 0, &to, sizeof to) < 0, 1);
    EQ(sys(sendto, six2, "x", 1, 0, &to, 23), -EINVAL);
    EQ(connect6(six2, 1, free_port), 0);
    EQ(send(six2, "x", 1, 0), 1);
    for (int i = 0; i < 100 && !(poll_one(six2, 0, 0) & POLLERR); i++)
        nap(1);
    EQ(sock_error(six2), ECONNREFUSED);

    // the end
    EQ(connect4(a, LOOPBACK, port_of(b)), 0);
    EQ(sys(shutdown, a, SHUT_RD), 0);
    EQ(recv(a, back, 8, 0), 0);
    EQ(recv(a, back, 8, MSG_DONTWAIT), -EAGAIN);
    EQ(poll_one(a, ALL_POLL, 0), POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM | POLLRDHUP);
    EQ(sys(shutdown, a, SHUT_WR), 0);
    EQ(send(a, "x", 1, 0), -EPIPE);
    return 0;
}
