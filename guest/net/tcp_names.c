// TCP addresses and ports on the loopback (ip(7), tcp(7), ipv6(7)): bind(2), listen(2), SO_REUSEADDR and SO_REUSEPORT,
// what waits after a connection, AF_INET6 sockets that speak IPv4, and how connect(2) fails.
#include "raw_net.h"

static struct sockaddr_in name;
static int length;

static long get_name(int fd)
{
    length = sizeof name;
    memset(&name, 0x55, sizeof name);
    return sys(getsockname, fd, &name, &length);
}

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    ignore(SIGPIPE);
    EQ(sys(socket, AF_INET, STREAM, 17), -EPROTONOSUPPORT);
    EQ(sys(socket, AF_INET, DGRAM, 6), -EPROTONOSUPPORT);
    EQ(sys(socket, AF_INET, SEQPACKET, 0), -ESOCKTNOSUPPORT);
    EQ(sys(socket, AF_INET, STREAM, -1), -EINVAL);
    EQ(sys(socket, AF_INET, 99, 0), -EINVAL);
    EQ(sys(socket, 46, STREAM, 0), -EAFNOSUPPORT);
    int pairs[2];
    EQ(sys(socketpair, AF_INET, STREAM, 0, pairs), -EOPNOTSUPP);

    int a = new_socket(AF_INET, STREAM), b = new_socket(AF_INET, STREAM), c;
    struct sockaddr_in in = in4(LOOPBACK, 0);
    EQ(get_name(a), 0);
    EQ(length, 16);
    EQ(name.sin_family, AF_INET);
    EQ(name.sin_port, 0);
    EQ(name.sin_addr.s_addr, 0);
    EQ(sys(bind, a, &in, 15), -EINVAL);
    EQ(bind4(a, 0x08080808, 0), -EADDRNOTAVAIL);                // another machine's
    EQ(bind6(a, 1, 0), -EAFNOSUPPORT);
    in.sin_family = AF_UNSPEC;
    EQ(sys(bind, a, &in, 16), -EAFNOSUPPORT);                   // only with no address
    EQ(connect4(a, LOOPBACK, 1), -ECONNREFUSED);
    EQ(bind4(a, LOOPBACK, 0), 0);
    int port = port_of(a);
    CHECK(port >= 1024);
    EQ(bind4(a, LOOPBACK, 0), -EINVAL);                         // once
    EQ(bind4(b, LOOPBACK, port), -EADDRINUSE);
    EQ(bind4(b, ANY, port), -EADDRINUSE);
    EQ(bind4(b, LOOPBACK + 1, port), 0);                        // 127.0.0.2 is another address
    EQ(sys(listen, b, 1), 0);
    sys(close, b);
    b = new_socket(AF_INET, STREAM);
    EQ(set_int(b, SOL_SOCKET, SO_REUSEADDR, 1), 0);
    EQ(bind4(b, LOOPBACK, port), -EADDRINUSE);                  // both have to want it
    EQ(set_int(a, SOL_SOCKET, SO_REUSEADDR, 1), 0);
    EQ(bind4(b, LOOPBACK, port), 0);
    EQ(sys(listen, a, 1), 0);
    EQ(sys(listen, b, 1), -EADDRINUSE);                         // only one listens
    EQ(sys(listen, a, 5), 0);
    EQ(connect4(a, LOOPBACK, port), -EISCONN);
    sys(close, b);
    b = new_socket(AF_INET, STREAM);
    EQ(set_int(b, SOL_SOCKET, SO_REUSEADDR, 1), 0);
    EQ(bind4(b, LOOPBACK, port), -EADDRINUSE);                  // not while it listens
    sys(close, b);

    // what remains of a connection
    c = new_socket(AF_INET, STREAM);
    EQ(connect4(c, LOOPBACK, port), 0);
    EQ(connect4(c, LOOPBACK, port), -EISCONN);
    int d = sys(accept, a, &name, (length = 16, &length));
    CHECK(d >= 0);
    EQ(net16(name.sin_port), port_of(c));
    EQ(port_of(d), port);
    length = 16;
    EQ(sys(getpeername, c, &name, &length), 0);
    EQ(net16(name.sin_port), port);
    EQ(name.sin_addr.s_addr, net32(LOOPBACK));
    EQ(get_int(d, SOL_SOCKET, SO_REUSEADDR), 1);                // as the listener
    EQ(sys(getpeername, a, &name, &length), -ENOTCONN);
    sys(close, a);
    b = new_socket(AF_INET, STREAM);
    EQ(bind4(b, LOOPBACK, port), -EADDRINUSE);                  // the connection has it
    EQ(set_int(b, SOL_SOCKET, SO_REUSEADDR, 1), 0);
    EQ(bind4(b, LOOPBACK, port), 0);
    EQ(sys(listen, b, 1), 0);
    sys(close, b);
    sys(close, d);                                              // first: its end waits
    sys(close, c);
    b = new_socket(AF_INET, STREAM);
    EQ(bind4(b, LOOPBACK, port), -EADDRINUSE);
    EQ(set_int(b, SOL_SOCKET, SO_REUSEADDR, 1), 0);
    EQ(bind4(b, LOOPBACK, port), 0);
    sys(close, b);

    // SO_REUSEPORT: several listen
    a = new_socket(AF_INET, STREAM), b = new_socket(AF_INET, STREAM);
    EQ(set_int(a, SOL_SOCKET, SO_REUSEPORT, 1), 0);
    EQ(bind4(a, LOOPBACK, 0), 0);
    EQ(bind4(b, LOOPBACK, port_of(a)), -EADDRINUSE);
    EQ(set_int(b, SOL_SOCKET, SO_REUSEPORT, 1), 0);
    EQ(bind4(b, LOOPBACK, port_of(a)), 0);
    EQ(sys(listen, a, 20), 0);
    EQ(sys(listen, b, 20), 0);
    for (int i = 0; i < 20; i++) {
        c = new_socket(AF_INET, STREAM);
        EQ(connect4(c, LOOPBACK, port_of(a)), 0);
    }
    int n = 0;
    sys(fcntl, a, F_SETFL, O_NONBLOCK), sys(fcntl, b, F_SETFL, O_NONBLOCK);
    while (sys(accept, a, NULL, NULL) >= 0)
        n++;
    while (sys(accept, b, NULL, NULL) >= 0)
        n++;
    EQ(n, 20);

    // listening without a name takes one, for all addresses
    a = new_socket(AF_INET, STREAM);
    EQ(sys(listen, a, 3), 0);
    EQ(get_name(a), 0);
    EQ(name.sin_addr.s_addr, 0);
    port = port_of(a);
    CHECK(port >= 1024);
    c = new_socket(AF_INET, STREAM);
    EQ(connect4(c, ANY, port), 0);                              // no address is this machine
    length = 16;
    EQ(sys(getpeername, c, &name, &length), 0);
    EQ(name.sin_addr.s_addr, net32(LOOPBACK));
    c = new_socket(AF_INET, STREAM);
    EQ(connect4(c, 0x7f010203, port), 0);                       // all of 127 is
    EQ(get_name(c), 0);
    EQ(sys(close, a), 0);

    // AF_INET6
    int six = new_socket(AF_INET6, STREAM);
    struct sockaddr_in6 in6_name;
    EQ(get_int(six, SOL_IPV6, IPV6_V6ONLY), 0);
    EQ(bind6(six, 0, 0), 0);
    port = port_of(six);
    EQ(set_int(six, SOL_IPV6, IPV6_V6ONLY, 1), -EINVAL);        // too late
    EQ(sys(listen, six, 5), 0);
    a = new_socket(AF_INET, STREAM);
    EQ(bind4(a, ANY, port), -EADDRINUSE);                       // it is for IPv4 too
    EQ(bind4(a, LOOPBACK, port), -EADDRINUSE);
    EQ(connect4(a, LOOPBACK, port), 0);
    length = sizeof in6_name;
    int acc = sys(accept, six, &in6_name, &length);
    CHECK(acc >= 0);
    EQ(length, 28);
    EQ(in6_name.sin6_family, AF_INET6);
    EQ(memcmp(&in6_name.sin6_addr, "\0\0\0\0\0\0\0\0\0\0\377\377\177\0\0\1", 16), 0);
    length = sizeof in6_name;
    EQ(sys(getsockname, acc, &in6_name, &length), 0);
    EQ(memcmp(&in6_name.sin6_addr, "\0\0\0\0\0\0\0\0\0\0\377\377\177\0\0\1", 16), 0);
    b = new_socket(AF_INET6, STREAM);
    EQ(connect4(b, LOOPBACK, port), -EINVAL);                   // too short for it
    EQ(connect6(b, -1, port), 0);                               // ::ffff:127.0.0.1
    b = new_socket(AF_INET6, STREAM);
    EQ(set_int(b, SOL_IPV6, IPV6_V6ONLY, 1), 0);
    EQ(connect6(b, -1, port), -ENETUNREACH);
    EQ(connect6(b, 1, port), 0);
    b = new_socket(AF_INET6, STREAM);
    EQ(connect6(b, 0, port), 0);
    length = sizeof in6_name;
    EQ(sys(getpeername, b, &in6_name, &length), 0);
    EQ(in6_name.sin6_addr.s6_addr[15], 1);
    EQ(sys(close, six), 0);
    six = new_socket(AF_INET6, STREAM);
    EQ(set_int(six, SOL_IPV6, IPV6_V6ONLY, 1), 0);
    EQ(bind6(six, 0, 0), 0);
    port = port_of(six);
    EQ(sys(listen, six, 5), 0);
    a = new_socket(AF_INET, STREAM);
    EQ(connect4(a, LOOPBACK, port), -ECONNREFUSED);
    EQ(bind4(a, LOOPBACK, port), 0);                            // side by side
    six = new_socket(AF_INET6, STREAM);
    EQ(bind6(six, 9, 0), -EADDRNOTAVAIL);
    struct sockaddr_in6 short6 = in6(1, 0);
    EQ(sys(bind, six, &short6, 23), -EINVAL);
    EQ(sys(bind, six, &short6, 24), 0);

    // connect without waiting
    a = new_socket(AF_INET, STREAM | SOCK_NONBLOCK);
    EQ(bind4(a, LOOPBACK, 0), 0);
    port = port_of(a);
    EQ(sys(listen, a, 1), 0);
    b = new_socket(AF_INET, STREAM | SOCK_NONBLOCK);
    EQ(poll_one(b, ALL_POLL, 0), POLLOUT | POLLWRNORM | POLLHUP);
    EQ(connect4(b, LOOPBACK, port), -EINPROGRESS);
    EQ(poll_one(b, ALL_POLL, 1000), POLLOUT | POLLWRNORM);
    EQ(sock_error(b), 0);
    EQ(connect4(b, LOOPBACK, port), 0);                         // now it knows
    EQ(connect4(b, LOOPBACK, port), -EISCONN);
    sys(close, a);
    for (int i = 0; i < 50 && !(poll_one(b, ALL_POLL, 0) & POLLHUP); i++)
        nap(1);
    EQ(sock_error(b), ECONNRESET);                              // nobody had accepted it
    b = new_socket(AF_INET, STREAM | SOCK_NONBLOCK);
    EQ(connect4(b, LOOPBACK, port), -EINPROGRESS);
    EQ(poll_one(b, ALL_POLL, 1000), POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM | POLLHUP | POLLRDHUP | POLLERR);
    EQ(sock_error(b), ECONNREFUSED);
    EQ(sock_error(b), 0);
    EQ(connect4(b, LOOPBACK, port), -ECONNABORTED);
    EQ(connect4(b, LOOPBACK, port), -EINPROGRESS);
    EQ(connect4(b, LOOPBACK, port), -ECONNREFUSED);
    EQ(sys(connect, b, &in, 1), -EINVAL);
    in.sin_family = 77;
    EQ(sys(connect, b, &in, 16), -EAFNOSUPPORT);
    EQ(sys(connect, b, &in, 10), -EINVAL);

    // a connection undone
    int s[2];
    tcp_pair(s, 0);
    in.sin_family = AF_UNSPEC;
    EQ(sys(connect, s[0], &in, 16), 0);
    char back[8];
    EQ(sys(read, s[1], back, 8), -ECONNRESET);
    length = 16;
    EQ(sys(getpeername, s[0], &name, &length), -ENOTCONN);
    EQ(sys(listen, s[0], 1), 0);
    return 0;
}
