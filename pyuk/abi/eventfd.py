"""eventfd(2).

Source: linux/eventfd.h (Linux 6.1).
"""

EFD_SEMAPHORE = 1
EFD_CLOEXEC = 0x80000
EFD_NONBLOCK = 0x800
