"""Extended attributes.

Source: linux/xattr.h, linux/limits.h (Linux 6.1).
"""

XATTR_CREATE = 1
XATTR_REPLACE = 2

XATTR_SIZE_MAX = 65536
