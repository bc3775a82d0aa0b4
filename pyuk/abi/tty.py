"""What a pseudoterminal's master reads in packet mode (TIOCPKT, ioctl_tty(2)).

Source: asm-generic/ioctls.h (Linux 6.1).
"""

TIOCPKT_DATA = 0
TIOCPKT_FLUSHREAD = 1
TIOCPKT_FLUSHWRITE = 2
TIOCPKT_STOP = 4
TIOCPKT_START = 8
TIOCPKT_NOSTOP = 16
TIOCPKT_DOSTOP = 32
TIOCPKT_IOCTL = 64
