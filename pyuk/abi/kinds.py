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
        super().__init__(ctype)
        self.base = base


class Ident(Kind):
    """A uid_t or gid_t; all ones is shown as -1 ("leave it")."""

    __slots__ = ()

    def __init__(self) -> None:
        self.ctype = "uint"


class SignalNumber(Kind):
    """A signal number."""

    __slots__ = ()

    def __init__(self) -> None:
        self.ctype = "int"


class DeviceNumber(Kind):
    """A dev_t, shown as its two halves."""

    __slots__ = ()

    def __init__(self) -> None:
        self.ctype = "ulong"


class Bytes(Kind):
    """A char array within a struct, all of it."""

    __slots__ = ()


class Text(Kind):
    """A char array within a struct, up to its NUL."""

    __slots__ = ()


class FdNumber(Kind):
    """A file descriptor; a dirfd may also be AT_FDCWD."""

    __slots__ = ("dirfd",)

    def __init__(self, *, dirfd: bool = False) -> None:
        super().__init__("int")
        self.dirfd = dirfd


class Mode(Kind):
    """A mode_t. With `only_with`, the call has it only when that argument has one of these bits (open's O_CREAT)."""

    __slots__ = ("bits", "only_with", "whole")

    def __init__(self, only_with: str | None = None, bits: int = 0, *, whole: bool = False) -> None:
        super().__init__("uint")
        self.only_with = only_with
        self.bits = bits
        self.whole = whole  # with the S_IFMT part (mknod)


class Flags(Kind):
    """A word of flag bits from one table.

    With `enum` it is exactly one value; the bits in `modes` hold one value (O_ACCMODE), the rest are flags.
    """

    __slots__ = ("enum", "modes", "table")

    def __init__(self, table: Table, ctype: str = "int", *, enum: bool = False, modes: int = 0) -> None:
        self.ctype = ctype
        self.table = table
        self.enum = enum
        self.modes = modes


class Pointer(Kind):
    """An address into guest memory; the subclasses say what stands there and which way it goes."""

    __slots__ = ("direction",)

    def __init__(self, direction: str = IN) -> None:
        super().__init__("ulong")
        self.direction = direction


class Address(Pointer):
    """An address that is not read or written by the call itself (mmap's addr)."""

    __slots__ = ()


class CString(Pointer):
    """A NUL-terminated string; a `path` is limited to PATH_MAX."""

    __slots__ = ("path",)

    def __init__(self, *, path: bool = False) -> None:
        super().__init__(IN)
        self.path = path


class Buffer(Pointer):
    """Bytes: `size` names the parameter with the length, or "return" for the call's result (read)."""

    __slots__ = ("size", "text")

    def __init__(self, direction: str, size: str, *, text: bool = False) -> None:
        super().__init__(direction)
        self.size = size
        self.text = text  # a path rather than data (readlink, getcwd)


class StructAt(Pointer):
    """One struct, or with `count` (a parameter's name, "return", or a number) an array of it."""

    __slots__ = ("count", "struct")

    def __init__(self, direction: str, struct: Struct, count: str | int | None = None) -> None:
        super().__init__(direction)
        self.struct = struct
        self.count = count


class StringVector(Pointer):
    """A NULL-terminated vector of strings: argv, or with `environment` envp."""

    __slots__ = ("environment",)

    def __init__(self, *, environment: bool = False) -> None:
        super().__init__(IN)
        self.environment = environment


class IoVector(Pointer):
    """struct iovec[count]; `direction` is the data's (IN: the call reads guest memory, as writev)."""

    __slots__ = ("count",)

    def __init__(self, direction: str, count: str) -> None:
        super().__init__(direction)
        self.count = count


class SignalSet(Pointer):
    """A kernel sigset_t whose size stands in the parameter `size`."""

    __slots__ = ("size",)

    def __init__(self, direction: str, size: str) -> None:
        super().__init__(direction)
        self.size = size


class SocketAddress(Pointer):
    """struct sockaddr whose length stands in the parameter `length` (a pointer to it for OUT)."""

    __slots__ = ("length",)

    def __init__(self, direction: str, length: str) -> None:
        super().__init__(direction)
        self.length = length


class ByCommand(Kind):
    """What another parameter selects (fcntl's arg by cmd): `commands` names the table in pyuk.abi.commands."""

    __slots__ = ("commands", "selector")

    def __init__(self, selector: str, commands: str) -> None:
        self.ctype = "ulong"
        self.selector = selector
        self.commands = commands
