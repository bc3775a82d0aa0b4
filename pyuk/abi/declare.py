"""How a system call is declared: once, by the signature of its handler.

    @syscall("read")
    def sys_read(task: Task, fd: FdArg, buf: Annotated[UserAddr, Buffer(OUT, "return")], count: SizeArg) -> int:

The number and the groups come from `numbers`; the conversion of registers, the trace text, docs/syscalls.md and
the bad-pointer sweep come from the annotations. These stay strings until somebody asks: three hundred declarations
cost a start nothing, and a plain run asks only for the C type of each argument, on a call's first use.

`Annotated` means to mypy what it always means, and at run time is the kind alone.
"""

from __future__ import annotations

from pyuk.abi.kinds import (
    Address,
    ByCommand,
    CString,
    Explained,
    FdNumber,
    Flags,
    Kind,
    Mode,
    Number,
    StringVector,
    When,
    Word,
)  # fmt: skip
from pyuk.abi.numbers import NUMBERS
from pyuk.abi.tables import Table
from pyuk.abi.types import Fd, UserAddr

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Annotated as Annotated  # noqa: PLC0414  # handlers import it from here
    from typing import Any, TypeVar

    Handler = TypeVar("Handler", bound=Callable[..., int])
    Entry = Callable[[Any, Any], int]
else:

    class Annotated:
        """Stands in for typing.Annotated, which would cost as much as half an interpreter's start."""

        __slots__ = ()

        def __class_getitem__(cls, item: tuple[object, Kind]) -> Kind:
            """The metadata: the kind."""
            return item[1]


# Plain numbers, and the habit of showing them.
IntArg = Annotated[int, Number("int")]
UIntArg = Annotated[int, Number("uint")]
LongArg = Annotated[int, Number("long")]
ULongArg = Annotated[int, Number("ulong")]
SizeArg = Annotated[int, Number("ulong")]
OffArg = Annotated[int, Number("long")]
LengthArg = Annotated[int, Word("length", "long")]  # a signed length that strace shows unsigned
HexArg = Annotated[int, Number("ulong", 16)]
HexUIntArg = Annotated[int, Number("uint", 16)]
OctalArg = Annotated[int, Number("uint", 8)]

# Things with a name.
FdArg = Annotated[Fd, FdNumber()]
DirFdArg = Annotated[Fd, FdNumber(dirfd=True)]
PidArg = Annotated[int, Number("int")]
UidArg = Annotated[int, Word("id", "uint")]
GidArg = Annotated[int, Word("id", "uint")]
SignalArg = Annotated[int, Word("signal", "int")]
ModeArg = Annotated[int, Mode()]
FileModeArg = Annotated[int, Mode(whole=True)]
OpenModeArg = Annotated[int, When(Mode(), "flags", 0o20000100)]  # O_CREAT | __O_TMPFILE
DeviceArg = Annotated[int, When(Word("device", "uint"), "mode", 0o20000)]  # S_IFCHR, S_IFBLK
HiddenArg = Annotated[int, Word("hidden", "long")]

# Pointers.
AddressArg = Annotated[UserAddr, Address()]
RawAddressArg = Annotated[UserAddr, Number("ulong", 16)]  # where strace knows of no pointer: NULL is 0
PathArg = Annotated[UserAddr, CString(path=True)]
CStringArg = Annotated[UserAddr, CString()]
ArgvArg = Annotated[UserAddr, StringVector()]
EnvpArg = Annotated[UserAddr, StringVector(environment=True)]

# Words of flags, and words with one of several values.
OpenFlagsArg = Annotated[int, Flags(Table("fcntl", "O_ __O_ FASYNC", without="O_ASYNC"), modes=3)]
FdFlagsArg = Annotated[int, Flags(Table("fcntl", "O_ __O_ FASYNC", without="O_ASYNC"))]
AccessModeArg = Annotated[int, Flags(Table("unistd", "F_OK R_OK W_OK X_OK", unknown="?_OK"))]
WhenceArg = Annotated[int, Flags(Table("unistd", "SEEK_"), "uint", enum=True)]
AtFlagsArg = Annotated[int, Flags(Table("fcntl", "AT_", without="AT_FDCWD AT_EACCESS AT_STATX*"))]
AccessFlagsArg = Annotated[int, Flags(Table("fcntl", "AT_SYMLINK_NOFOLLOW AT_EACCESS AT_EMPTY_PATH", unknown="AT_???"))]
StatxFlagsArg = Annotated[
    int, Flags(Table("fcntl", "AT_", without="AT_FDCWD AT_EACCESS AT_STATX_SYNC_TYPE"), modes=0x6000)
]
StatxMaskArg = Annotated[int, Flags(Table("stat", "STATX_", without="STATX_ATTR* STATX__*"), "uint")]
FallocateArg = Annotated[int, Flags(Table("fcntl", "FALLOC_FL_"))]
FadviseArg = Annotated[int, Flags(Table("fcntl", "POSIX_FADV_"), enum=True)]
RwFlagsArg = Annotated[int, Flags(Table("unistd", "RWF_"))]
ProtArg = Annotated[int, Flags(Table("mman", "PROT_"), "ulong")]
MapFlagsArg = Annotated[
    int,
    Flags(
        Table("mman", "MAP_", without="MAP_TYPE MAP_HUGE_*"), "ulong", modes=0xF, shifted=("MAP_HUGE_SHIFT", 26, 0x3F)
    ),
]
AdviceArg = Annotated[int, Flags(Table("mman", "MADV_"), enum=True)]
MsyncArg = Annotated[int, Flags(Table("mman", "MS_"))]
MremapArg = Annotated[int, Flags(Table("mman", "MREMAP_"), "ulong")]
MremapAddressArg = Annotated[UserAddr, When(Address(), "flags", 2)]  # MREMAP_FIXED
MlockallArg = Annotated[int, Flags(Table("mman", "MCL_"))]
MemfdArg = Annotated[int, Flags(Table("mman", "MFD_"), "uint")]
SigHowArg = Annotated[int, Flags(Table("signal", "SIG_BLOCK SIG_UNBLOCK SIG_SETMASK", unknown="SIG_???"), enum=True)]
ResourceArg = Annotated[int, Flags(Table("resource", "RLIMIT_"), "uint", enum=True)]
RusageArg = Annotated[int, Flags(Table("resource", "RUSAGE_"), enum=True)]
PriorityArg = Annotated[int, Flags(Table("resource", "PRIO_"), enum=True)]
ClockArg = Annotated[int, Flags(Table("time", "CLOCK_"), enum=True)]
TimerFlagsArg = Annotated[int, Flags(Table("time", "TIMER_ABSTIME"))]
ItimerArg = Annotated[int, Flags(Table("time", "ITIMER_"), enum=True)]
GrndArg = Annotated[int, Flags(Table("random", "GRND_"), "uint")]
ArchPrctlArg = Annotated[int, Flags(Table("prctl", "ARCH_"), enum=True)]
PrctlArg = Annotated[int, Flags(Table("prctl", "PR_"), enum=True)]
CloneFlagsArg = Annotated[int, Flags(Table("sched", "CLONE_", without="CLONE_DETACHED"), "ulong")]
SchedArg = Annotated[int, Flags(Table("sched", "SCHED_"), enum=True)]
WaitArg = Annotated[int, Flags(Table("sched", "W __W", without="WUNTRACED"))]
RseqFlagsArg = Annotated[int, Flags(Table("rseq", "RSEQ_FLAG_"))]
FutexOpArg = Annotated[int, Word("futex", "int")]
FamilyArg = Annotated[int, Flags(Table("socket", "AF_"), enum=True)]
CloseRangeArg = Annotated[int, Flags(Table("fcntl", "CLOSE_RANGE_"), "uint")]
FlockArg = Annotated[int, Flags(Table("fcntl", "LOCK_"))]
RenameArg = Annotated[int, Flags(Table("fcntl", "RENAME_"), "uint")]

# One call that is many: what `arg` is, is said by the command, in pyuk.abi.commands.
FcntlCommandArg = Annotated[int, Flags(Table("fcntl", "F_", without="F_RDLCK F_WRLCK F_UNLCK F_SEAL_*"), enum=True)]
FcntlArg = Annotated[int, ByCommand("cmd", "FCNTL")]
IoctlRequestArg = Annotated[int, Word("ioctl", "uint")]
IoctlArg = Annotated[int, ByCommand("request", "IOCTL")]
PrctlArgument = Annotated[int, ByCommand("option", "PRCTL")]
PrctlRestArg = Annotated[int, ByCommand("option", "PRCTL_REST")]
PrctlResult = Annotated[int, ByCommand("option", "PRCTL_RESULT")]
ArchPrctlArgument = Annotated[int, ByCommand("option", "ARCH_PRCTL")]

FutexTimeoutArg = Annotated[UserAddr, ByCommand("op", "FUTEX_TIMEOUT", mask=0x7F)]
FutexAddressArg = Annotated[UserAddr, ByCommand("op", "FUTEX_ADDRESS", mask=0x7F)]
FutexValueArg = Annotated[int, ByCommand("op", "FUTEX_VALUE", ctype="uint", mask=0x7F)]

# Results; plain `int` is Long.
Long = Annotated[int, Number("long")]
AddressResult = Annotated[int, Number("ulong", 16)]
OctalResult = Annotated[int, Number("ulong", 8)]
FdResult = Annotated[int, FdNumber()]
HexResult = Annotated[int, Number("ulong", 16)]
FcntlResult = Annotated[int, ByCommand("cmd", "FCNTL_RESULT")]
SchedResult = Annotated[int, Explained(Flags(Table("sched", "SCHED_"), enum=True))]
TimeResult = Annotated[int, Explained(Word("date"))]

_LONG = Number("long")


class Declaration:
    """One system call: who it is, who handles it, and what its arguments are."""

    __slots__ = ("_kinds", "handler", "name", "note", "number")

    def __init__(self, name: str, handler: Callable[..., int], note: str) -> None:
        self.number = NUMBERS[name]
        self.name = name
        self.handler = handler
        self.note = note
        """What of the call is not there, in a few words; empty when all of it is."""
        self._kinds: tuple[tuple[tuple[str, Kind], ...], Kind] | None = None

    @property
    def groups(self) -> str:
        """The letters of its strace groups, see `numbers.GROUPS`."""
        from pyuk.abi.numbers import groups_of  # noqa: PLC0415

        return groups_of(self.number)

    @property
    def names(self) -> tuple[str, ...]:
        """The arguments' names, in register order."""
        code = self.handler.__code__
        return code.co_varnames[1 : code.co_argcount]

    @property
    def params(self) -> tuple[tuple[str, Kind], ...]:
        """(name, kind) of each argument, in register order."""
        return self._evaluated()[0]

    @property
    def result(self) -> Kind:
        """The kind of the return value."""
        return self._evaluated()[1]

    @property
    def shape(self) -> str:
        """One letter an argument, saying its C type: i int, u uint, l long, U ulong."""
        annotations, scope = self.handler.__annotations__, self.handler.__globals__
        letters = ""
        for name in self.names:
            text = annotations[name]
            kind = scope.get(text)
            if kind is not None:
                letters += _LETTERS[kind.ctype]
            elif text.startswith("Annotated[UserAddr,"):
                letters += "U"
            else:
                letters += _LETTERS[self._evaluate(name).ctype]
        return letters

    def _evaluated(self) -> tuple[tuple[tuple[str, Kind], ...], Kind]:
        if self._kinds is None:
            params = tuple((name, self._evaluate(name)) for name in self.names)
            result = self.handler.__annotations__["return"]
            self._kinds = (params, _LONG if result in ("int", "NoReturn") else self._evaluate("return"))
        return self._kinds

    def _evaluate(self, name: str) -> Kind:
        kind = eval(self.handler.__annotations__[name], self.handler.__globals__)  # noqa: S307
        if not isinstance(kind, Kind):
            raise TypeError(f"{self.handler.__qualname__}: the annotation of {name} names no kind")
        return kind


SYSCALLS: dict[int, Declaration] = {}
"""The declared calls by number, as far as their families have been imported: see `find`."""


def load(number: int) -> None:  # noqa: ARG001
    """Import the family of a call. pyuk.syscalls puts its own in this place."""


def find(number: int) -> Declaration | None:
    """The declaration of a call, or None where it has none."""
    found = SYSCALLS.get(number)
    if found is None:
        load(number)
        found = SYSCALLS.get(number)
    return found


def syscall(name: str, *, note: str = "") -> Callable[[Handler], Handler]:
    """Declare the decorated function as the handler of this call; it stays the plain function it was."""

    def declare(handler: Handler) -> Handler:
        declaration = Declaration(name, handler, note)
        SYSCALLS[declaration.number] = declaration
        return handler

    return declare


_LETTERS = {"int": "i", "uint": "u", "long": "l", "ulong": "U"}
_REGISTERS = (7, 6, 2, 10, 8, 9)  # rdi, rsi, rdx, r10, r8, r9 in the trap frame: SysV ABI, kernel's variant
_READ = {
    "i": "(regs[{}] & 0xFFFFFFFF ^ 0x80000000) - 0x80000000",
    "u": "regs[{}] & 0xFFFFFFFF",
    "l": "(regs[{}] ^ 1 << 63) - (1 << 63)",
    "U": "regs[{}]",
}
# The first three are what the smallest program needs, compiled ahead: `eval` costs 50 us a shape.
_entry_makers: dict[str, Callable[[Callable[..., int]], Entry]] = {
    "": lambda handler: lambda task, _regs: handler(task),
    "i": lambda handler: lambda task, regs: handler(task, (regs[7] & 0xFFFFFFFF ^ 0x80000000) - 0x80000000),
    "iUU": lambda handler: (
        lambda task, regs: handler(task, (regs[7] & 0xFFFFFFFF ^ 0x80000000) - 0x80000000, regs[6], regs[2])
    ),
}


def compile_entry(declaration: Declaration) -> Entry:
    """The function from (task, registers) to the handler's result: no layer between.

    The registers are a memoryview of format "Q" in the order of the trap frame. Calls of one shape share a compilation.
    """
    shape = declaration.shape
    make = _entry_makers.get(shape)
    if make is None:
        make = _entry_makers[shape] = make_entry_maker(shape)
    return make(declaration.handler)


def make_entry_maker(shape: str) -> Callable[[Callable[..., int]], Entry]:
    """Compile the function from a handler to its entry for calls of one shape."""
    arguments = "".join(f", {_READ[letter].format(_REGISTERS[i])}" for i, letter in enumerate(shape))
    maker: Callable[[Callable[..., int]], Entry] = eval(f"lambda handler: lambda task, regs: handler(task{arguments})")  # noqa: S307
    return maker
