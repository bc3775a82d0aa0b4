"""access(2), lseek(2) and preadv2(2) words, limits of names.

Source: linux/fs.h, linux/uio.h, linux/limits.h, linux/xattr.h (Linux 6.1).
"""

# access(2)
F_OK = 0
R_OK = 4
W_OK = 2
X_OK = 1

# lseek(2)
SEEK_SET = 0
SEEK_CUR = 1
SEEK_END = 2
SEEK_DATA = 3
SEEK_HOLE = 4

# preadv2(2), pwritev2(2)
RWF_HIPRI = 1
RWF_DSYNC = 2
RWF_SYNC = 4
RWF_NOWAIT = 8
RWF_APPEND = 0x10

# limits: linux/limits.h, linux/uio.h, linux/utsname.h, fs.h's MAX_RW_COUNT
PATH_MAX = 4096
PIPE_BUF = 4096
NAME_MAX = 255
ARG_MAX = 131072
UIO_MAXIOV = 1024
MAX_ARG_STRLEN = 131072
MAX_RW_COUNT = 0x7FFFF000
