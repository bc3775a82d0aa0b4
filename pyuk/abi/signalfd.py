"""signalfd(2).

Source: linux/signalfd.h (Linux 6.1).
"""

SFD_CLOEXEC = 0x80000
SFD_NONBLOCK = 0x800
