"""The structs that cross the kernel's border: layout for the kernel, meaning of the fields for the tracer.

Each is declared once: rows of (name, format, kind), in memory order. The format is a letter of Python's struct
module or another Struct; a row without a name is padding. The rows stand in a lambda because making them costs
more than the import should: a run builds only the structs that it uses.

Sources are the uapi headers of Linux 6.1 for x86-64, named beside each struct.
"""

from __future__ import annotations

import struct

from pyuk.abi.kinds import Address, FdNumber, Flags, Kind, Mode, Number, Word
from pyuk.abi.tables import Table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    Row = tuple[str, "str | Struct"] | tuple[str, "str | Struct", Kind]


class Field:
    """One field: where it stands in the struct, and what it is."""

    __slots__ = ("format", "kind", "name", "offset")

    def __init__(self, name: str, form: str | Struct, kind: Kind | None, offset: int) -> None:
        self.name = name
        self.format = form
        self.kind = kind or _default_kind(form)
        self.offset = offset


class Struct:
    """A struct of the kernel's interface.

    shown: which fields a tracer shows, space-separated ("" = all); where the list ends in "...", so does the text.
    view: a struct whose text follows no rule names the tracer's own function for it.
    """

    __slots__ = ("_rows", "codec", "fields", "flat", "name", "names", "shown", "size", "view")

    codec: struct.Struct
    """The compiled layout, nested structs flattened."""
    fields: tuple[Field, ...]
    names: tuple[str, ...]
    size: int
    flat: bool

    def __init__(self, name: str, rows: Callable[[], Iterable[Row]], *, shown: str = "", view: str = "") -> None:
        self.name = name
        self.shown = shown
        self.view = view
        self._rows = rows

    def __getattr__(self, name: str) -> Any:
        """Lay the struct out, on the first use of any part of it."""
        if name not in ("codec", "fields", "names", "size", "flat"):
            raise AttributeError(name)
        self._lay_out()
        return getattr(self, name)

    def pack(self, *values: Any, **fields: Any) -> bytes:
        """The struct's bytes: all values in order, or some by name (the others are 0). A nested struct is a tuple.

        Numbers wrap to their field's width, as an assignment in C does.
        """
        if fields:
            values = tuple(fields.pop(field.name, None) for field in self.fields)
            if fields:
                raise TypeError(f"struct {self.name} has no {', '.join(fields)}")
            values = tuple(_zero(field) if v is None else v for field, v in zip(self.fields, values, strict=True))
        try:
            return self.codec.pack(*(values if self.flat else self._flatten(values)))
        except struct.error:
            return self.codec.pack(*_wrapped(self, values))

    def unpack(self, data: bytes | memoryview, offset: int = 0) -> tuple[Any, ...]:
        """The values in order; a nested struct is a tuple."""
        values = self.codec.unpack_from(data, offset)
        return values if self.flat else self._nest(iter(values))

    def record(self, data: bytes | memoryview, offset: int = 0) -> Record:
        """The values by name."""
        return Record(self, self.unpack(data, offset))

    def showing(self, shown: str, *, view: str = "") -> Struct:
        """The same struct, shown otherwise."""
        return Struct(self.name, self._rows, shown=shown, view=view)

    def _lay_out(self) -> None:
        layout, offset, fields, flat = "<", 0, [], True
        for row in self._rows():
            form = row[1]
            if isinstance(form, str):
                letters, size = form, struct.calcsize("<" + form)
            else:
                letters, size, flat = form.codec.format[1:], form.size, False
            if row[0]:
                fields.append(Field(row[0], form, row[2] if len(row) > 2 else None, offset))  # noqa: PLR2004
            layout += letters
            offset += size
        self.codec = struct.Struct(layout)
        self.size = self.codec.size
        self.fields = tuple(fields)
        self.names = tuple(field.name for field in fields)
        self.flat = flat

    def _flatten(self, values: Iterable[Any]) -> list[Any]:
        flat: list[Any] = []
        for field, value in zip(self.fields, values, strict=True):
            if isinstance(field.format, Struct):
                flat += field.format._flatten(value)  # noqa: SLF001
            else:
                flat.append(value)
        return flat

    def _nest(self, values: Any) -> tuple[Any, ...]:
        return tuple(
            field.format._nest(values) if isinstance(field.format, Struct) else next(values)  # noqa: SLF001
            for field in self.fields
        )


class Record:
    """A struct's values under their C names."""

    def __init__(self, layout: Struct, values: tuple[Any, ...]) -> None:
        for field, value in zip(layout.fields, values, strict=True):
            self.__dict__[field.name] = Record(field.format, value) if isinstance(field.format, Struct) else value

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)


def _default_kind(form: str | Struct) -> Kind:
    if isinstance(form, Struct):
        return Nested(form)
    return Word("bytes") if form.endswith("s") else Number("long" if form.islower() else "ulong")


def _zero(field: Field) -> Any:
    if isinstance(field.format, Struct):
        return tuple(_zero(part) for part in field.format.fields)
    return b"" if field.format.endswith("s") else 0


def _wrapped(layout: Struct, values: Iterable[Any]) -> Iterable[Any]:
    for field, value in zip(layout.fields, values, strict=True):
        if isinstance(field.format, Struct):
            yield from _wrapped(field.format, value)
        elif isinstance(value, int):
            bits = 8 * struct.calcsize("<" + field.format)
            low = value & (1 << bits) - 1
            yield low - (1 << bits) if field.format.islower() and low >> (bits - 1) else low
        else:
            yield value


class Nested(Kind):
    """A struct within a struct."""

    __slots__ = ("struct",)

    def __init__(self, layout: Struct) -> None:
        super().__init__()
        self.struct = layout


# One number behind a pointer (getresuid's uid_t *, get_robust_list's size_t *): shown as [value]
UINT8 = Struct("unsigned char", lambda: (("value", "B"),), view="scalar")
INT32 = Struct("int", lambda: (("value", "i"),), view="scalar")
UINT32 = Struct("unsigned int", lambda: (("value", "I"),), view="scalar")
INT64 = Struct("long", lambda: (("value", "q"),), view="scalar")
TIME = Struct("time_t", lambda: (("value", "q", Word("stamp")),), view="scalar")
UINT64 = Struct("unsigned long", lambda: (("value", "Q"),), view="scalar")
HEX64 = Struct("__u64", lambda: (("value", "Q", Number("ulong", 16)),), view="scalar")
POINTER = Struct("void *", lambda: (("value", "Q", Address()),), view="scalar")
WAIT_STATUS = Struct("int status", lambda: (("value", "i", Word("wait")),), view="scalar")
FD = Struct("int fd", lambda: (("value", "i", FdNumber()),), view="scalar")

_HEX = "ulong", 16

# asm-generic/stat.h is not ours: arch/x86/include/uapi/asm/stat.h
STAT = Struct(
    "stat",
    lambda: (
        ("st_dev", "Q", Word("device")),
        ("st_ino", "Q"),
        ("st_nlink", "Q"),
        ("st_mode", "I", Mode(whole=True)),
        ("st_uid", "I"),
        ("st_gid", "I"),
        ("", "4x"),
        ("st_rdev", "Q", Word("device")),
        ("st_size", "q"),
        ("st_blksize", "q"),
        ("st_blocks", "q"),
        ("st_atime", "Q"),
        ("st_atime_nsec", "Q"),
        ("st_mtime", "Q"),
        ("st_mtime_nsec", "Q"),
        ("st_ctime", "Q"),
        ("st_ctime_nsec", "Q"),
        ("", "24x"),
    ),
    view="stat",
)

# linux/stat.h
STATX_TIMESTAMP = Struct("statx_timestamp", lambda: (("tv_sec", "q"), ("tv_nsec", "I"), ("", "4x")))
STATX = Struct(
    "statx",
    lambda: (
        ("stx_mask", "I", Flags(Table("stat", "STATX_", without="STATX_ATTR* STATX__*"), "uint")),
        ("stx_blksize", "I"),
        ("stx_attributes", "Q", Flags(Table("stat", "STATX_ATTR_"), "ulong")),
        ("stx_nlink", "I"),
        ("stx_uid", "I"),
        ("stx_gid", "I"),
        ("stx_mode", "H", Mode(whole=True)),
        ("", "2x"),
        ("stx_ino", "Q"),
        ("stx_size", "Q"),
        ("stx_blocks", "Q"),
        ("stx_attributes_mask", "Q", Flags(Table("stat", "STATX_ATTR_"), "ulong")),
        ("stx_atime", STATX_TIMESTAMP),
        ("stx_btime", STATX_TIMESTAMP),
        ("stx_ctime", STATX_TIMESTAMP),
        ("stx_mtime", STATX_TIMESTAMP),
        ("stx_rdev_major", "I"),
        ("stx_rdev_minor", "I"),
        ("stx_dev_major", "I"),
        ("stx_dev_minor", "I"),
        ("stx_mnt_id", "Q"),
        ("stx_dio_mem_align", "I"),
        ("stx_dio_offset_align", "I"),
        ("", "96x"),
    ),
    shown="stx_mask stx_attributes stx_mode stx_size ...",
)

# linux/time_types.h, linux/time.h
TIMESPEC = Struct("timespec", lambda: (("tv_sec", "q"), ("tv_nsec", "q", Word("length"))))
TIMEVAL = Struct("timeval", lambda: (("tv_sec", "q"), ("tv_usec", "q", Word("length"))))
TIMEZONE = Struct("timezone", lambda: (("tz_minuteswest", "i"), ("tz_dsttime", "i")))
ITIMERVAL = Struct("itimerval", lambda: (("it_interval", TIMEVAL), ("it_value", TIMEVAL)))
ITIMERSPEC = Struct("itimerspec", lambda: (("it_interval", TIMESPEC), ("it_value", TIMESPEC)))
TIMESTAMP = TIMESPEC.showing("", view="timestamp")  # utimensat(2): UTIME_NOW, UTIME_OMIT or a date
TIMEVAL_STAMP = TIMEVAL.showing("", view="timestamp")
UTIMBUF = Struct("utimbuf", lambda: (("actime", "q", Word("stamp")), ("modtime", "q", Word("stamp"))))
TMS = Struct("tms", lambda: (("tms_utime", "Q"), ("tms_stime", "Q"), ("tms_cutime", "Q"), ("tms_cstime", "Q")))

# linux/utsname.h
UTSNAME = Struct(
    "new_utsname",
    lambda: (
        ("sysname", "65s", Word("text")),
        ("nodename", "65s", Word("text")),
        ("release", "65s", Word("text")),
        ("version", "65s", Word("text")),
        ("machine", "65s", Word("text")),
        ("domainname", "65s", Word("text")),
    ),
    shown="sysname nodename ...",
)

# linux/sysinfo.h
SYSINFO = Struct(
    "sysinfo",
    lambda: (
        ("uptime", "q"),
        ("load1", "Q"),
        ("load5", "Q"),
        ("load15", "Q"),
        ("totalram", "Q"),
        ("freeram", "Q"),
        ("sharedram", "Q"),
        ("bufferram", "Q"),
        ("totalswap", "Q"),
        ("freeswap", "Q"),
        ("procs", "H"),
        ("", "6x"),
        ("totalhigh", "Q"),
        ("freehigh", "Q"),
        ("mem_unit", "I"),
        ("", "4x"),
    ),
    view="sysinfo",
)

# linux/resource.h
RLIMIT = Struct("rlimit64", lambda: (("rlim_cur", "Q", Word("limit")), ("rlim_max", "Q", Word("limit"))))
RUSAGE = Struct(
    "rusage",
    lambda: (
        ("ru_utime", TIMEVAL),
        ("ru_stime", TIMEVAL),
        ("ru_maxrss", "Q"),
        ("ru_ixrss", "Q"),
        ("ru_idrss", "Q"),
        ("ru_isrss", "Q"),
        ("ru_minflt", "Q"),
        ("ru_majflt", "Q"),
        ("ru_nswap", "Q"),
        ("ru_inblock", "Q"),
        ("ru_oublock", "Q"),
        ("ru_msgsnd", "Q"),
        ("ru_msgrcv", "Q"),
        ("ru_nsignals", "Q"),
        ("ru_nvcsw", "Q"),
        ("ru_nivcsw", "Q"),
    ),
    shown="ru_utime ru_stime ...",
)

# linux/uio.h
IOVEC = Struct("iovec", lambda: (("iov_base", "Q", Address()), ("iov_len", "Q")))

# asm/signal.h: the kernel's struct sigaction, not libc's
SIGACTION = Struct(
    "sigaction",
    lambda: (
        ("sa_handler", "Q", Address()),
        ("sa_flags", "Q", Flags(Table("signal", "SA_", without="SA_UNSUPPORTED SA_EXPOSE_TAGBITS"), "ulong")),
        ("sa_restorer", "Q", Address()),
        ("sa_mask", "Q"),
    ),
    view="sigaction",
)
STACK = Struct(
    "sigaltstack",
    lambda: (
        ("ss_sp", "Q", Address()),
        ("ss_flags", "i", Flags(Table("signal", "SS_"))),
        ("", "4x"),
        ("ss_size", "Q"),
    ),
)
# asm-generic/siginfo.h: what every siginfo begins with; the union follows, 128 bytes in all
SIGINFO_HEAD = Struct("siginfo", lambda: (("si_signo", "i"), ("si_errno", "i"), ("si_code", "i"), ("", "4x")))
SIGINFO_BYTES = 128
SIGINFO = Struct("siginfo", lambda: (("value", "128s"),), view="siginfo")
SIGINFO_FAULT = Struct("siginfo", lambda: (("si_head", SIGINFO_HEAD), ("si_addr", "Q"), ("", "104x")))
SIGINFO_KILL = Struct("siginfo", lambda: (("si_head", SIGINFO_HEAD), ("si_pid", "i"), ("si_uid", "I"), ("", "104x")))
SIGINFO_QUEUE = Struct(
    "siginfo",
    lambda: (("si_head", SIGINFO_HEAD), ("si_pid", "i"), ("si_uid", "I"), ("si_value", "Q"), ("", "96x")),
)
SIGINFO_CHILD = Struct(
    "siginfo",
    lambda: (
        ("si_head", SIGINFO_HEAD),
        ("si_pid", "i"),
        ("si_uid", "I"),
        ("si_status", "i"),
        ("", "4x"),
        ("si_utime", "q"),
        ("si_stime", "q"),
        ("", "80x"),
    ),
)
SIGINFO_TIMER = Struct(
    "siginfo",
    lambda: (("si_head", SIGINFO_HEAD), ("si_timerid", "i"), ("si_overrun", "i"), ("si_value", "Q"), ("", "96x")),
)
SIGINFO_POLL = Struct("siginfo", lambda: (("si_head", SIGINFO_HEAD), ("si_band", "q"), ("si_fd", "i"), ("", "100x")))
SIGINFO_SYS = Struct(
    "siginfo",
    lambda: (("si_head", SIGINFO_HEAD), ("si_call_addr", "Q"), ("si_syscall", "i"), ("si_arch", "I"), ("", "96x")),
)

# asm-generic/termbits.h, asm-generic/termios.h
TERMIOS = Struct(
    "termios",
    lambda: (
        ("c_iflag", "I"),
        ("c_oflag", "I"),
        ("c_cflag", "I"),
        ("c_lflag", "I"),
        ("c_line", "B"),
        ("c_cc", "19s"),
    ),
    view="termios",
)
TERMIOS2 = Struct(
    "termios2",
    lambda: (
        ("c_iflag", "I"),
        ("c_oflag", "I"),
        ("c_cflag", "I"),
        ("c_lflag", "I"),
        ("c_line", "B"),
        ("c_cc", "19s"),
        ("c_ispeed", "I"),
        ("c_ospeed", "I"),
    ),
    view="termios",
)
TERMIO = Struct(
    "termio",
    lambda: (
        ("c_iflag", "H"),
        ("c_oflag", "H"),
        ("c_cflag", "H"),
        ("c_lflag", "H"),
        ("c_line", "B"),
        ("c_cc", "8s"),
        ("", "x"),
    ),
    view="termios",
)
CHARACTER = Struct("char", lambda: (("value", "1s"),), view="character")
WINSIZE = Struct(
    "winsize",
    lambda: (("ws_row", "H"), ("ws_col", "H"), ("ws_xpixel", "H"), ("ws_ypixel", "H")),
)

# linux/dirent.h (kernel): the name follows, NUL-terminated; d_reclen is a multiple of 8
LINUX_DIRENT64 = Struct(
    "linux_dirent64",
    lambda: (
        ("d_ino", "Q"),
        ("d_off", "q"),
        ("d_reclen", "H"),
        ("d_type", "B", Flags(Table("stat", "DT_"), enum=True)),
    ),
)

# asm-generic/statfs.h
STATFS = Struct(
    "statfs",
    lambda: (
        ("f_type", "q", Flags(Table("magic", "", unknown="?"), enum=True)),
        ("f_bsize", "q"),
        ("f_blocks", "Q"),
        ("f_bfree", "Q"),
        ("f_bavail", "Q"),
        ("f_files", "Q"),
        ("f_ffree", "Q"),
        ("f_fsid0", "i"),
        ("f_fsid1", "i"),
        ("f_namelen", "q"),
        ("f_frsize", "q"),
        ("f_flags", "q"),
        ("", "32x"),
    ),
    view="statfs",
)

# asm-generic/fcntl.h, linux/fcntl.h, linux/openat2.h
FLOCK = Struct(
    "flock",
    lambda: (
        ("l_type", "h", Flags(Table("fcntl", "F_RDLCK F_WRLCK F_UNLCK", unknown="F_???"), enum=True)),
        ("l_whence", "h", Flags(Table("unistd", "SEEK_"), enum=True)),
        ("", "4x"),
        ("l_start", "q"),
        ("l_len", "q"),
        ("l_pid", "i"),
        ("", "4x"),
    ),
    shown="l_type l_whence l_start l_len",
)
FLOCK_PID = FLOCK.showing("")  # F_GETLK says who holds the lock
IO_URING_PARAMS = Struct(
    "io_uring_params",
    lambda: (
        ("sq_entries", "I"), ("cq_entries", "I"), ("flags", "I", Flags(Table("iouring", "IORING_SETUP_"), "uint")),
        ("sq_thread_cpu", "I"), ("sq_thread_idle", "I"), ("", "100x"),
    ),
    shown="flags sq_thread_cpu sq_thread_idle",
)  # fmt: skip
LANDLOCK_RULESET_ATTR = Struct(
    "landlock_ruleset_attr",
    lambda: (("handled_access_fs", "Q", Flags(Table("landlock", "LANDLOCK_ACCESS_FS_"), "ulong")),),
)
LANDLOCK_PATH_BENEATH_ATTR = Struct(
    "landlock_path_beneath_attr",
    lambda: (
        ("allowed_access", "Q", Flags(Table("landlock", "LANDLOCK_ACCESS_FS_"), "ulong")),
        ("parent_fd", "i", FdNumber()),
    ),
)  # fmt: skip
MOUNT_ATTR = Struct(
    "mount_attr",
    lambda: (
        ("attr_set", "Q", Flags(Table("mountapi", "MOUNT_ATTR_"), "ulong")),
        ("attr_clr", "Q", Flags(Table("mountapi", "MOUNT_ATTR_"), "ulong")),
        ("propagation", "Q", Flags(Table("mountapi", "MS_"), "ulong", enum=True)),
        ("userns_fd", "Q"),
    ),
)
F_OWNER_EX = Struct(
    "f_owner_ex",
    lambda: (("type", "i", Flags(Table("fcntl", "F_OWNER_"), enum=True)), ("pid", "i")),
)
OPEN_HOW = Struct(
    "open_how",
    lambda: (
        ("flags", "Q", Flags(Table("fcntl", "O_ __O_ FASYNC", without="O_ASYNC"), "ulong", modes=3)),
        ("mode", "Q", Number("ulong", 8)),
        ("resolve", "Q", Flags(Table("fcntl", "RESOLVE_"), "ulong")),
    ),
    view="open_how",
)

# linux/signalfd.h
SIGNALFD_SIGINFO = Struct(
    "signalfd_siginfo",
    lambda: (
        ("ssi_signo", "I"), ("ssi_errno", "i"), ("ssi_code", "i"), ("ssi_pid", "I"), ("ssi_uid", "I"), ("ssi_fd", "i"),
        ("ssi_tid", "I"), ("ssi_band", "I"), ("ssi_overrun", "I"), ("ssi_trapno", "I"), ("ssi_status", "i"),
        ("ssi_int", "i"), ("ssi_ptr", "Q"), ("ssi_utime", "Q"), ("ssi_stime", "Q"), ("ssi_addr", "Q"),
        ("ssi_addr_lsb", "H"), ("", "2x"), ("ssi_syscall", "i"), ("ssi_call_addr", "Q"), ("ssi_arch", "I"), ("", "28x"),
    ),
)  # fmt: skip

# linux/eventpoll.h: packed on x86-64
EPOLL_EVENT = Struct(
    "epoll_event",
    lambda: (("events", "I", Flags(Table("epoll", "EPOLL", without="EPOLL_*"), "uint")), ("data", "Q")),
    view="epoll_event",
)

# asm-generic/poll.h
POLLFD = Struct(
    "pollfd",
    lambda: (
        ("fd", "i", FdNumber()),
        ("events", "H", Flags(Table("poll", "POLL"))),
        ("revents", "H", Flags(Table("poll", "POLL"))),
    ),
    view="pollfd",
)

# linux/futex.h, linux/rseq.h
ROBUST_LIST_HEAD = Struct(
    "robust_list_head",
    lambda: (("list", "Q", Address()), ("futex_offset", "q"), ("list_op_pending", "Q", Address())),
)
RSEQ = Struct(
    "rseq",
    lambda: (
        ("cpu_id_start", "I"),
        ("cpu_id", "I"),
        ("rseq_cs", "Q"),
        ("flags", "I"),
        ("node_id", "I"),
        ("mm_cid", "I"),
        ("", "4x"),
    ),
    view="rseq",
)

# linux/un.h
SOCKADDR_UN = Struct("sockaddr_un", lambda: (("sun_family", "H"), ("sun_path", "108s")))

# linux/sched/types.h, linux/sched.h
SCHED_PARAM = Struct("sched_param", lambda: (("sched_priority", "i"),), view="scalar")
CLONE_ARGS = Struct(
    "clone_args",
    lambda: (
        ("flags", "Q", Flags(Table("sched", "CLONE_", without="CLONE_DETACHED"), "ulong")),
        ("pidfd", "Q", Address()),
        ("child_tid", "Q", Address()),
        ("parent_tid", "Q", Address()),
        ("exit_signal", "Q", Word("signal")),
        ("stack", "Q", Address()),
        ("stack_size", "Q", Number(*_HEX)),
        ("tls", "Q", Number(*_HEX)),
        ("set_tid", "Q", Address()),
        ("set_tid_size", "Q"),
        ("cgroup", "Q", FdNumber()),
    ),
)


# linux/ipc.h, linux/shm.h, asm-generic/ipcbuf.h, asm-generic/shmbuf.h
IPC_PERM = Struct(
    "ipc64_perm",
    lambda: (
        ("key", "i"), ("uid", "I"), ("gid", "I"), ("cuid", "I"), ("cgid", "I"), ("mode", "I"), ("seq", "H"),
        ("", "2x"), ("", "4x"), ("", "16x"),
    ),
    view="ipc_perm",
)  # fmt: skip
SHMID_DS = Struct(
    "shmid64_ds",
    lambda: (
        ("shm_perm", IPC_PERM), ("shm_segsz", "Q"), ("shm_atime", "q"), ("shm_dtime", "q"),
        ("shm_ctime", "q"), ("shm_cpid", "i"), ("shm_lpid", "i"), ("shm_nattch", "Q"), ("", "16x"),
    ),
    view="shmid",
)  # fmt: skip
SHMID_SET = SHMID_DS.showing("", view="shmid_set")
SHMINFO = Struct(
    "shminfo64",
    lambda: (("shmmax", "Q"), ("shmmin", "Q"), ("shmmni", "Q"), ("shmseg", "Q"), ("shmall", "Q"), ("", "32x")),
)
SHM_INFO_STRUCT = Struct(
    "shm_info",
    lambda: (
        ("used_ids", "i"), ("", "4x"), ("shm_tot", "Q"), ("shm_rss", "Q"), ("shm_swp", "Q"), ("swap_attempts", "Q"),
        ("swap_successes", "Q"),
    ),
)  # fmt: skip

# linux/filter.h, linux/seccomp.h
SOCK_FPROG = Struct("sock_fprog", lambda: (("len", "H"), ("", "6x"), ("filter", "Q", Address())))
SECCOMP_ACTION = Struct(
    "uint32_t", lambda: (("value", "I", Flags(Table("seccomp", "SECCOMP_RET_"), "uint", enum=True)),), view="scalar"
)
SECCOMP_NOTIF = Struct(
    "seccomp_notif",
    lambda: (
        ("id", "Q", Number(*_HEX)), ("pid", "I"), ("flags", "I", Number("uint", 16)), ("nr", "i"), ("arch", "I"),
        ("instruction_pointer", "Q", Address()), ("args", "48s"),
    ),
    view="seccomp_notif",
)  # fmt: skip
SECCOMP_NOTIF_RESP = Struct(
    "seccomp_notif_resp",
    lambda: (
        ("id", "Q", Number(*_HEX)), ("val", "q"), ("error", "i", Word("minus_errno")),
        ("flags", "I", Flags(Table("seccomp", "SECCOMP_USER_NOTIF_FLAG_"), "uint")),
    ),
)  # fmt: skip
SECCOMP_NOTIF_ADDFD = Struct(
    "seccomp_notif_addfd",
    lambda: (
        ("id", "Q", Number(*_HEX)), ("flags", "I", Flags(Table("seccomp", "SECCOMP_ADDFD_FLAG_"), "uint")),
        ("srcfd", "i"), ("newfd", "i"),
        ("newfd_flags", "I", Flags(Table("fcntl", "O_ __O_ FASYNC", without="O_RDONLY O_ASYNC"), "uint")),
    ),
)  # fmt: skip
SECCOMP_NOTIF_SIZES = Struct(
    "seccomp_notif_sizes", lambda: (("seccomp_notif", "H"), ("seccomp_notif_resp", "H"), ("seccomp_data", "H"))
)

# linux/capability.h
CAP_USER_HEADER = Struct(
    "__user_cap_header_struct",
    lambda: (
        ("version", "I", Flags(Table("capability", "_LINUX_CAPABILITY_VERSION_"), "uint", enum=True)), ("pid", "i"),
    ),
)  # fmt: skip

# asm-generic/siginfo.h, linux/sched/types.h
SIGEVENT = Struct(
    "sigevent",
    lambda: (("sigev_value", "Q"), ("sigev_signo", "i"), ("sigev_notify", "i"), ("sigev_tid", "i"), ("", "44x")),
    view="sigevent",
)
SCHED_ATTR = Struct(
    "sched_attr",
    lambda: (
        ("size", "I"), ("sched_policy", "I", Flags(Table("sched", "SCHED_", without="SCHED_FLAG_*"), enum=True)),
        ("sched_flags", "Q", Flags(Table("sched", "SCHED_FLAG_"), "ulong")), ("sched_nice", "i"),
        ("sched_priority", "I"), ("sched_runtime", "Q"), ("sched_deadline", "Q"), ("sched_period", "Q"),
        ("sched_util_min", "I"), ("sched_util_max", "I"),
    ),
)  # fmt: skip
