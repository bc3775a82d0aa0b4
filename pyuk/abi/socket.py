"""Sockets: families, types, options.

Source: linux/socket.h, linux/net.h (Linux 6.1).
"""

# families
AF_UNSPEC = 0
AF_UNIX = 1
AF_INET = 2
AF_INET6 = 10
AF_NETLINK = 0x10
AF_PACKET = 0x11

# types
SOCK_STREAM = 1
SOCK_DGRAM = 2
SOCK_RAW = 3
SOCK_RDM = 4
SOCK_SEQPACKET = 5
SOCK_CLOEXEC = 0x80000
SOCK_NONBLOCK = 0x800

# levels
SOL_SOCKET = 1

# shutdown(2)
SHUT_RD = 0
SHUT_WR = 1
SHUT_RDWR = 2
