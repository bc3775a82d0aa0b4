"""splice(2), tee(2), vmsplice(2).

Source: linux/splice.h (Linux 6.1).
"""

SPLICE_F_MOVE = 1
SPLICE_F_NONBLOCK = 2
SPLICE_F_MORE = 4
SPLICE_F_GIFT = 8
