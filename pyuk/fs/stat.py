"""What stat(2) and statfs(2) show of files that no host keeps."""

from __future__ import annotations


class Stat:
    """The fields of os.stat_result that a guest sees, for files made by pyuk itself."""

    __slots__ = (
        "st_atime_ns", "st_blksize", "st_blocks", "st_ctime_ns", "st_dev", "st_gid", "st_ino", "st_mode",
        "st_mtime_ns", "st_nlink", "st_rdev", "st_size", "st_uid",
    )  # fmt: skip

    def __init__(self, dev: int, ino: int, mode: int, *, nlink: int = 1, size_bytes: int = 0, time_ns: int = 0) -> None:
        self.st_dev = dev
        self.st_ino = ino
        self.st_mode = mode
        self.st_nlink = nlink
        self.st_uid = 0
        self.st_gid = 0
        self.st_rdev = 0
        self.st_size = size_bytes
        self.st_blksize = 4096
        self.st_blocks = 0
        self.st_atime_ns = self.st_mtime_ns = self.st_ctime_ns = time_ns


def kernel_device(dev: int) -> int:
    """A device number of stat(2)'s form as the kernel keeps it, and shows it in hex (include/linux/kdev_t.h, MKDEV)."""
    major, minor = dev >> 8 & 0xFFF, dev & 0xFF | dev >> 12 & 0xFFF00
    return major << 20 | minor


class StatFs:
    """struct statfs's fields (statfs(2))."""

    __slots__ = (
        "f_bavail", "f_bfree", "f_blocks", "f_bsize", "f_ffree", "f_files", "f_flags", "f_frsize", "f_fsid",
        "f_namelen", "f_type",
    )  # fmt: skip

    def __init__(self, kind: int) -> None:
        self.f_type = kind
        self.f_bsize = self.f_frsize = 4096
        self.f_blocks = self.f_bfree = self.f_bavail = 0
        self.f_files = self.f_ffree = 0
        self.f_fsid = 0
        self.f_namelen = 255
        self.f_flags = 0x20  # ST_VALID
