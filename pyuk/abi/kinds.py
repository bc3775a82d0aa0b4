"""What a system call's arguments and results can be: pure descriptions.

A handler's signature names a kind for every parameter. From that one declaration come the
conversion of the register (dispatch), the text (trace), the generated table (docs) and the
bad-pointer sweep (tests), so a kind says what the argument *is*, never how it is shown.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.abi.structs import Struct
    from pyuk.abi.tables import Table

IN, OUT, INOUT = "in", "out", "inout"
ELSEWHERE = "elsewhere"
"""Of an iovec: its data is another process's (process_vm_readv's remote_iov)."""


class Kind:
    """One argument register: `ctype` is its C type, to which the register is cut and extended.

    ctype: "int" and "uint" are the low 32 bits, "long" and "ulong" all 64.
    """

    __slots__ = ("ctype",)

    def __init__(self, ctype: str = "ulong") -> None:
        self.ctype = ctype


class Number(Kind):
    """A plain number, shown in `base` 8, 10 or 16 (Linux's own habit for that argument)."""

    __slots__ = ("base",)

    def __init__(self, ctype: str, base: int = 10) -> None:
        self.ctype = ctype
        self.base = base


class Word(Kind):
    """A number of a known meaning, which has a text of its own.

    meaning: "id" a uid_t or gid_t (all ones is -1, "leave it"); "signal" a signal number; "device" a dev_t; "limit"
    an rlim_t; "length" an off_t shown unsigned; "bytes" and "text" are char arrays within a struct, the latter up
    to its NUL; "wait" a wait(2) status; "date" a time_t as a date, "stamp" as a number with the date beside it;
    "ioctl" and "futex" those calls' commands; "quota" quotactl's, with its type; "ipckey" a key_t; "personality" an
    execution domain and "personality_result" the old one; "scheduler" a policy beside its number; "shmflags"
    shmget's flags with a mode; "socket_type" socket's type and its flags; "ethertype" an AF_PACKET protocol;
    "minus_errno" an errno made negative; "hidden" a register that says nothing (preadv's pos_h) and is not shown.
    """

    __slots__ = ("meaning",)

    def __init__(self, meaning: str, ctype: str = "ulong") -> None:
        self.ctype = ctype
        self.meaning = meaning


class FdNumber(Kind):
    """A file descriptor; a dirfd may also be AT_FDCWD."""

    __slots__ = ("dirfd",)

    def __init__(self, *, dirfd: bool = False) -> None:
        self.ctype = "int"
        self.dirfd = dirfd


class Mode(Kind):
    """A mode_t: permission bits, and if `whole` the file type too."""

    __slots__ = ("whole",)

    def __init__(self, *, whole: bool = False) -> None:
        self.ctype = "uint"
        self.whole = whole


class Flags(Kind):
    """A word of flag bits from one table.

    With `enum` it is exactly one value of it. The bits in `modes` hold one value (open's O_ACCMODE), the rest are
    flags. `shifted` names a small number that stands at a shift: (name of the shift, the shift, the mask).
    """

    __slots__ = ("enum", "modes", "shifted", "table")

    def __init__(
        self,
        table: Table,
        ctype: str = "int",
        *,
        enum: bool = False,
        modes: int = 0,
        shifted: tuple[str, int, int] | None = None,
    ) -> None:
        self.ctype = ctype
        self.table = table
        self.enum = enum
        self.modes = modes
        self.shifted = shifted


class Pointer(Kind):
    """An address into guest memory; the subclasses say what stands there and which way it goes."""

    __slots__ = ("direction",)

    def __init__(self, direction: str = IN) -> None:
        self.ctype = "ulong"
        self.direction = direction


class Address(Pointer):
    """An address that is not read or written by the call itself (mmap's addr)."""

    __slots__ = ()


class CString(Pointer):
    """A NUL-terminated string; a `path` is limited to PATH_MAX."""

    __slots__ = ("path",)

    def __init__(self, direction: str = IN, *, path: bool = False) -> None:
        self.ctype = "ulong"
        self.direction = direction
        self.path = path


class Buffer(Pointer):
    """Bytes: `size` names the parameter with the length, or "return" for the call's result (read).

    With `text` it is a path rather than data (readlink, getcwd); with `opaque` it is bytes that are no text at all
    (getrandom). A length above `most` (0: any) is refused, and nothing is shown.
    """

    __slots__ = ("most", "opaque", "size", "text")

    def __init__(
        self, direction: str, size: str, *, text: bool = False, opaque: bool = False, most: int = 0
    ) -> None:  # fmt: skip
        self.most = most
        self.ctype = "ulong"
        self.direction = direction
        self.size = size
        self.text = text
        self.opaque = opaque


class DirentArray(Pointer):
    """What getdents(2) gives: struct linux_dirent (32) or linux_dirent64 (64), as many bytes as the call's result."""

    __slots__ = ("bits",)

    def __init__(self, bits: int) -> None:
        self.ctype = "ulong"
        self.direction = OUT
        self.bits = bits


class CpuSet(Pointer):
    """A cpu mask whose size stands in the parameter `size`, or "return"."""

    __slots__ = ("size",)

    def __init__(self, direction: str, size: str) -> None:
        self.ctype = "ulong"
        self.direction = direction
        self.size = size


class StructAt(Pointer):
    """One struct, or with `count` (a parameter's name, "return", or a number) an array of it.

    count "pages:NAME" is as many as the parameter's bytes are pages.

    only_interrupted: it is written only where a signal ended the call (nanosleep's rem). late: it stands behind what
    the call fills, and strace does not look at it when that has failed.
    """

    __slots__ = ("count", "late", "only_interrupted", "struct")

    def __init__(
        self, direction: str, struct: Struct, count: str | int | None = None, *, only_interrupted: bool = False,
        late: bool = False,
    ) -> None:  # fmt: skip
        self.ctype = "ulong"
        self.direction = direction
        self.struct = struct
        self.count = count
        self.only_interrupted = only_interrupted
        self.late = late


class CapabilitySets(Pointer):
    """What capget(2) gives: as many words as the version in the struct at the parameter `header` says."""

    __slots__ = ("header",)

    def __init__(self, direction: str, header: str) -> None:
        self.ctype = "ulong"
        self.direction = direction
        self.header = header


class StringVector(Pointer):
    """A NULL-terminated vector of strings: argv, or with `environment` envp."""

    __slots__ = ("environment",)

    def __init__(self, *, environment: bool = False) -> None:
        self.ctype = "ulong"
        self.direction = IN
        self.environment = environment


class IoVector(Pointer):
    """struct iovec[count]; `direction` is the data's (IN: the call reads guest memory, as writev; or ELSEWHERE)."""

    __slots__ = ("count",)

    def __init__(self, direction: str, count: str) -> None:
        self.ctype = "ulong"
        self.direction = direction
        self.count = count


class SignalSet(Pointer):
    """A kernel sigset_t whose size stands in the parameter `size`."""

    __slots__ = ("size",)

    def __init__(self, direction: str, size: str) -> None:
        self.ctype = "ulong"
        self.direction = direction
        self.size = size


class SignalSetPack(Pointer):
    """pselect6(2)'s struct of a sigset's address and its size."""

    __slots__ = ()


class FdSet(Pointer):
    """select(2)'s bits, as many as the parameter `count` says."""

    __slots__ = ("count",)

    def __init__(self, direction: str, count: str) -> None:
        self.ctype = "ulong"
        self.direction = direction
        self.count = count


class SocketAddress(Pointer):
    """struct sockaddr whose length stands in the parameter `length` (a pointer to it for OUT)."""

    __slots__ = ("length",)

    def __init__(self, direction: str, length: str) -> None:
        self.ctype = "ulong"
        self.direction = direction
        self.length = length


class SocketAddressLength(Pointer):
    """The length of the struct sockaddr in the parameter `address`: in and out."""

    __slots__ = ("address",)

    def __init__(self, address: str) -> None:
        self.ctype = "ulong"
        self.direction = OUT
        self.address = address


class MessageAt(Pointer):
    """struct msghdr, or with `count` a parameter's number of struct mmsghdr. IN: the call sends."""

    __slots__ = ("count",)

    def __init__(self, direction: str, count: str = "") -> None:
        self.ctype = "ulong"
        self.direction = direction
        self.count = count


class SocketOption(Kind):
    """The name of an option of the level in the parameter `level`."""

    __slots__ = ("level",)

    def __init__(self, level: str) -> None:
        self.ctype = "int"
        self.level = level


class OptionValue(Pointer):
    """The value of the option in the parameter `option`, of `level`; `length` has its length (a pointer for OUT)."""

    __slots__ = ("length", "level", "option")

    def __init__(self, direction: str, level: str, option: str, length: str) -> None:
        self.ctype = "ulong"
        self.direction = direction
        self.level = level
        self.option = option
        self.length = length


class Early(Pointer):
    """A pointer whose target is looked at when the call begins, whenever it is shown (recvmmsg's time-out)."""

    __slots__ = ("kind",)

    def __init__(self, kind: Pointer) -> None:
        self.ctype = "ulong"
        self.direction = kind.direction
        self.kind = kind


class When(Kind):
    """An argument that the call has only when that other parameter has one of these bits (open's mode: O_CREAT)."""

    __slots__ = ("bits", "kind", "parameter")

    def __init__(self, kind: Kind, parameter: str, bits: int) -> None:
        self.ctype = kind.ctype
        self.kind = kind
        self.parameter = parameter
        self.bits = bits


class ByBits(Kind):
    """An argument that is one thing where that other parameter has one of these bits, and another where it has none.

    Source: mount(2), whose flags say whether type and data are looked at.
    """

    __slots__ = ("bits", "parameter", "with_bits", "without")

    def __init__(self, parameter: str, bits: int, with_bits: Kind, without: Kind) -> None:
        self.ctype = without.ctype
        self.parameter = parameter
        self.bits = bits
        self.with_bits = with_bits
        self.without = without


class FileHandle(Pointer):
    """struct file_handle: its size is given, and with INOUT what it should be is told (name_to_handle_at(2))."""

    __slots__ = ()


class ByCommand(Kind):
    """What another parameter selects (fcntl's arg by cmd).

    commands: the table in pyuk.abi.commands, from a command to a kind; None there: the call has no such argument.
    mask: the bits of the selector that are the command (futex's FUTEX_CMD_MASK).
    """

    __slots__ = ("commands", "mask", "selector")

    def __init__(self, selector: str, commands: str, *, ctype: str = "ulong", mask: int = 0xFFFFFFFF) -> None:
        self.ctype = ctype
        self.selector = selector
        self.commands = commands
        self.mask = mask


class Explained(Kind):
    """A result whose meaning stands beside it, `0x8002 (flags O_RDWR|O_LARGEFILE)`; `base` is the number's.

    zero: beside 0 too.
    """

    __slots__ = ("base", "kind", "prefix", "zero")

    def __init__(self, kind: Kind, prefix: str = "", *, base: int = 10, zero: bool = False) -> None:
        self.zero = zero
        self.ctype = "long"
        self.kind = kind
        self.prefix = prefix
        self.base = base


class Readiness(Kind):
    """The number of files that are ready, shown with them: in a poll set (of one parameter) or in several fd_sets.

    timeout: the parameter with the struct that has been told the time left, and that struct.
    """

    __slots__ = ("count", "sets", "struct", "timeout")

    def __init__(self, sets: str, count: str, timeout: str = "", struct: Struct | None = None) -> None:
        """sets: the parameters' names, space-separated."""
        self.ctype = "long"
        self.sets = sets
        self.count = count
        self.timeout = timeout
        self.struct = struct


class TimeLeft(Kind):
    """A count, with the time that is left in the struct at the parameter `timeout`."""

    __slots__ = ("struct", "timeout")

    def __init__(self, timeout: str, struct: Struct) -> None:
        self.ctype = "long"
        self.timeout = timeout
        self.struct = struct
