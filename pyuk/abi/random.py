"""getrandom(2).

Source: linux/random.h (Linux 6.1).
"""

GRND_NONBLOCK = 1
GRND_RANDOM = 2
GRND_INSECURE = 4
