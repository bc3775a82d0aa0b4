// Sockets without a libc: the kernel's constants that have no uapi header, and short calls.
#ifndef RAW_NET_H
#define RAW_NET_H

#include "raw_poll.h"

#include <asm/ioctls.h>
#include <asm/socket.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/socket.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <linux/un.h>

#define AF_UNSPEC 0
#define AF_UNIX 1
#define AF_INET 2
#define AF_INET6 10
#define AF_NETLINK 16
#define AF_PACKET 17
#define STREAM 1
#define DGRAM 2
#define RAW 3
#define SEQPACKET 5
#define SOCK_NONBLOCK O_NONBLOCK
#define SOCK_CLOEXEC O_CLOEXEC

#define MSG_OOB 1
#define MSG_PEEK 2
#define MSG_DONTROUTE 4
#define MSG_CTRUNC 8
#define MSG_TRUNC 0x20
#define MSG_DONTWAIT 0x40
#define MSG_EOR 0x80
#define MSG_WAITALL 0x100
#define MSG_ERRQUEUE 0x2000
#define MSG_NOSIGNAL 0x4000
#define MSG_MORE 0x8000
#define MSG_WAITFORONE 0x10000
#define MSG_FASTOPEN 0x20000000
#define MSG_CMSG_CLOEXEC 0x40000000

#define SOL_IP 0
#define SOL_TCP 6
#define SOL_UDP 17
#define SOL_IPV6 41
#define SCM_RIGHTS 1
#define SCM_CREDENTIALS 2
#define SHUT_RD 0
#define SHUT_WR 1
#define SHUT_RDWR 2

struct iovec { void *base; size_t len; };
struct msghdr { void *name; int namelen; struct iovec *iov; size_t iovlen; void *control; size_t controllen; unsigned flags; };
struct mmsghdr { struct msghdr hdr; unsigned len; };
struct cmsghdr { size_t len; int level, type; };
struct ucred { int pid; unsigned uid, gid; };
struct linger { int onoff, seconds; };

#define CMSG_SPACE(n) (sizeof(struct cmsghdr) + (((n) + 7) & ~7UL))
#define CMSG_LEN(n) (sizeof(struct cmsghdr) + (n))
#define CMSG_DATA(c) ((void *)((c) + 1))

static inline void ignore(int signo)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = SIG_IGN;
    sys(rt_sigaction, signo, &action, NULL, 8);
}

static inline long send(int fd, const void *data, size_t n, int flags)
{
    return sys(sendto, fd, data, n, flags, NULL, 0);
}

static inline long recv(int fd, void *data, size_t n, int flags)
{
    return sys(recvfrom, fd, data, n, flags, NULL, NULL);
}

static inline long set_int(int fd, int level, int name, int value)
{
    return sys(setsockopt, fd, level, name, &value, sizeof value);
}

// The option's value, or the error less 1000000
static inline long get_int(int fd, int level, int name)
{
    int value = 0, length = sizeof value;
    long got = sys(getsockopt, fd, level, name, &value, &length);
    return got < 0 ? got - 1000000 : value;
}

static inline int sock_error(int fd)
{
    return get_int(fd, SOL_SOCKET, SO_ERROR);
}

static inline long new_socket(int family, int type)
{
    long fd = sys(socket, family, type, 0);
    check(250, __LINE__, fd >= 0, "socket");
    return fd;
}

static inline void pair(int s[2], int type)
{
    check(249, __LINE__, sys(socketpair, AF_UNIX, type, 0, s) == 0, "socketpair");
}

// A struct sockaddr_un; a name that begins with '@' is abstract. Gives its length.
static inline int unix_name(struct sockaddr_un *address, const char *path)
{
    size_t n = strlen(path);
    memset(address, 0, sizeof *address);
    address->sun_family = AF_UNIX;
    memcpy(address->sun_path, path, n + 1);
    if (path[0] == '@')
        address->sun_path[0] = 0;
    return 2 + n + (path[0] != '@');
}

static inline long bind_unix(int fd, const char *path)
{
    struct sockaddr_un address;
    int n = unix_name(&address, path);
    return sys(bind, fd, &address, n);
}

static inline long connect_unix(int fd, const char *path)
{
    struct sockaddr_un address;
    int n = unix_name(&address, path);
    return sys(connect, fd, &address, n);
}

static inline long send_unix(int fd, const char *path, const void *data, size_t n, int flags)
{
    struct sockaddr_un address;
    int length = unix_name(&address, path);
    return sys(sendto, fd, data, n, flags, &address, length);
}

static inline unsigned short net16(unsigned short value)
{
    return value >> 8 | value << 8;
}

static inline unsigned net32(unsigned value)
{
    return __builtin_bswap32(value);
}

static inline struct sockaddr_in in4(unsigned address, int port)
{
    struct sockaddr_in name;
    memset(&name, 0, sizeof name);
    name.sin_family = AF_INET;
    name.sin_port = net16(port);
    name.sin_addr.s_addr = net32(address);
    return name;
}

// The IPv6 address whose last byte is `last` and the others 0, or ::ffff:127.0.0.1 for -1
static inline struct sockaddr_in6 in6(int last, int port)
{
    struct sockaddr_in6 name;
    memset(&name, 0, sizeof name);
    name.sin6_family = AF_INET6;
    name.sin6_port = net16(port);
    if (last >= 0)
        name.sin6_addr.s6_addr[15] = last;
    else
        memcpy(&name.sin6_addr.s6_addr[10], "\377\377\177\0\0\1", 6);
    return name;
}

#define LOOPBACK 0x7f000001u
#define ANY 0u

static inline long bind4(int fd, unsigned address, int port)
{
    struct sockaddr_in name = in4(address, port);
    return sys(bind, fd, &name, sizeof name);
}

static inline long connect4(int fd, unsigned address, int port)
{
    struct sockaddr_in name = in4(address, port);
    return sys(connect, fd, &name, sizeof name);
}

static inline long bind6(int fd, int last, int port)
{
    struct sockaddr_in6 name = in6(last, port);
    return sys(bind, fd, &name, sizeof name);
}

static inline long connect6(int fd, int last, int port)
{
    struct sockaddr_in6 name = in6(last, port);
    return sys(connect, fd, &name, sizeof name);
}

// The port of getsockname(2), of either family
static inline int port_of(int fd)
{
    struct sockaddr_in6 name;
    int length = sizeof name;
    check(248, __LINE__, sys(getsockname, fd, &name, &length) == 0, "getsockname");
    return net16(name.sin6_port);
}

// Two TCP sockets on 127.0.0.1 connected to each other; s[0] has connected, s[1] was accepted
static inline void tcp_pair(int s[2], int flags)
{
    int listener = new_socket(AF_INET, STREAM);
    check(247, __LINE__, bind4(listener, LOOPBACK, 0) == 0 && sys(listen, listener, 5) == 0, "listen");
    s[0] = new_socket(AF_INET, STREAM);
    check(247, __LINE__, connect4(s[0], LOOPBACK, port_of(listener)) == 0, "connect");
    s[1] = sys(accept4, listener, NULL, NULL, flags);
    check(247, __LINE__, s[1] >= 0, "accept");
    if (flags)
        sys(fcntl, s[0], F_SETFL, O_RDWR | flags);
    sys(close, listener);
}

#endif
