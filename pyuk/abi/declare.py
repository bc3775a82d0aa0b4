"""The words in which a handler's signature says what a system call's arguments are.

`Annotated` means to mypy what it always means; at run time it is the kind alone. Nobody imports this module to run a
program: handlers import it for mypy only, and `pyuk.abi.syscall` when somebody asks for the kinds.
"""

from __future__ import annotations

from pyuk.abi.kinds import (
    IN,
    Address,
    Buffer,
    ByCommand,
    CString,
    Explained,
    FdNumber,
    FdSet,
    Flags,
    Kind,
    Mode,
    Number,
    Readiness,
    SocketOption,
    StringVector,
    TimeLeft,
    When,
    Word,
)  # fmt: skip
from pyuk.abi.structs import TIMESPEC, TIMEVAL
from pyuk.abi.tables import Table
from pyuk.abi.types import Fd, UserAddr

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Annotated as Annotated  # noqa: PLC0414  # handlers import it from here
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
FdFlagsArg = Annotated[int, Flags(Table("fcntl", "O_ __O_ FASYNC", without="O_RDONLY O_ASYNC"))]
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
Mlock2Arg = Annotated[int, Flags(Table("mman", "MLOCK_"), "uint")]
PkeyRightsArg = Annotated[int, Flags(Table("mman", "PKEY_"), "ulong")]
MembarrierArg = Annotated[
    int, Flags(Table("membarrier", "MEMBARRIER_CMD_", without="MEMBARRIER_CMD_FLAG_*"), enum=True)
]
MembarrierFlagsArg = Annotated[int, Flags(Table("membarrier", "MEMBARRIER_CMD_FLAG_"), "uint")]
MembarrierCpuArg = Annotated[int, When(Number("int"), "flags", 1)]  # MEMBARRIER_CMD_FLAG_CPU
MembarrierResult = Annotated[int, ByCommand("cmd", "MEMBARRIER_RESULT")]
IpcKeyArg = Annotated[int, Word("ipckey", "int")]
ShmGetArg = Annotated[int, Word("shmflags", "int")]
ShmAtArg = Annotated[int, Flags(Table("shm", "SHM_RDONLY SHM_RND SHM_REMAP SHM_EXEC", unknown="SHM_???"))]
ShmCommandArg = Annotated[
    int,
    Flags(
        Table(
            "shm",
            "IPC_RMID IPC_SET IPC_STAT IPC_INFO SHM_LOCK SHM_UNLOCK SHM_STAT SHM_INFO SHM_STAT_ANY",
            unknown="SHM_???",
        ),
        enum=True,
    ),
]
ShmCtlArgument = Annotated[UserAddr, ByCommand("cmd", "SHMCTL")]
MemfdArg = Annotated[int, Flags(Table("mman", "MFD_"), "uint")]
SigHowArg = Annotated[int, Flags(Table("signal", "SIG_BLOCK SIG_UNBLOCK SIG_SETMASK", unknown="SIG_???"), enum=True)]
ResourceArg = Annotated[int, Flags(Table("resource", "RLIMIT_"), "uint", enum=True)]
RusageArg = Annotated[int, Flags(Table("resource", "RUSAGE_"), enum=True)]
PriorityArg = Annotated[int, Flags(Table("resource", "PRIO_"), enum=True)]
ClockArg = Annotated[int, Flags(Table("time", "CLOCK_"), enum=True)]
TimerFlagsArg = Annotated[int, Flags(Table("time", "TIMER_ABSTIME"))]
ItimerArg = Annotated[int, Flags(Table("time", "ITIMER_"), enum=True)]
TimerfdArg = Annotated[
    int, Flags(Table("time", "TFD_TIMER_ABSTIME TFD_TIMER_CANCEL_ON_SET TFD_CLOEXEC TFD_NONBLOCK", unknown="TFD_???"))
]
EventfdArg = Annotated[int, Flags(Table("eventfd", "EFD_"))]
SignalfdArg = Annotated[int, Flags(Table("signalfd", "SFD_"))]
EpollCreateArg = Annotated[int, Flags(Table("epoll", "EPOLL_CLOEXEC", unknown="EPOLL_???"))]
EpollCtlArg = Annotated[int, Flags(Table("epoll", "EPOLL_CTL_"), enum=True)]
EpollEventArg = Annotated[UserAddr, ByCommand("op", "EPOLL_CTL")]
FdSetArg = Annotated[UserAddr, FdSet(IN, "n")]
GrndArg = Annotated[int, Flags(Table("random", "GRND_"), "uint")]
ArchPrctlArg = Annotated[int, Flags(Table("prctl", "ARCH_"), enum=True)]
PrctlArg = Annotated[int, Flags(Table("prctl", "PR_"), enum=True)]
CloneFlagsArg = Annotated[int, Flags(Table("sched", "CLONE_", without="CLONE_DETACHED"), "ulong")]
UnshareArg = Annotated[int, Flags(Table("sched", "CLONE_", without="CLONE_DETACHED"), "ulong")]
PtraceArg = Annotated[
    int,
    Flags(
        Table("ptrace", "PTRACE_", without="PTRACE_O_* PTRACE_EVENT*"),
        "long",
        enum=True,
    ),
]
SchedArg = Annotated[int, Flags(Table("sched", "SCHED_", without="SCHED_FLAG_* SCHED_RESET_ON_FORK"), enum=True)]
PersonalityArg = Annotated[int, Word("personality", "uint")]
PersonalityResult = Annotated[int, Word("personality_result", "uint")]
SeccompArg = Annotated[
    int, Flags(Table("seccomp", "SECCOMP_SET_MODE_ SECCOMP_GET_", unknown="SECCOMP_SET_MODE_???"), "uint", enum=True)
]
SeccompFlagsArg = Annotated[int, ByCommand("op", "SECCOMP_FLAGS", ctype="uint")]
SeccompArgument = Annotated[UserAddr, ByCommand("op", "SECCOMP")]
IdTypeArg = Annotated[int, Flags(Table("sched", "P_"), enum=True)]
PidfdArg = Annotated[int, Flags(Table("sched", "PIDFD_"), "uint")]
WaitArg = Annotated[int, Flags(Table("sched", "W __W", without="WUNTRACED"))]
RseqFlagsArg = Annotated[int, Flags(Table("rseq", "RSEQ_FLAG_"))]
FutexOpArg = Annotated[int, Word("futex", "int")]
FamilyArg = Annotated[int, Flags(Table("socket", "AF_"), enum=True)]
ShutdownArg = Annotated[int, Flags(Table("socket", "SHUT_"), enum=True)]
MessageFlagsArg = Annotated[int, Flags(Table("socket", "MSG_"), "uint")]
SocketLevelArg = Annotated[int, Flags(Table("socket", "SOL_"), enum=True)]
SocketTypeArg = Annotated[int, Word("socket_type", "int")]
SocketFlagsArg = Annotated[int, Flags(Table("socket", "SOCK_CLOEXEC SOCK_NONBLOCK", unknown="SOCK_???"))]
ProtocolArg = Annotated[int, ByCommand("family", "SOCKET_PROTOCOL", ctype="int")]
SocketOptionArg = Annotated[int, SocketOption("level")]
InotifyInitArg = Annotated[int, Flags(Table("inotify", "IN_CLOEXEC IN_NONBLOCK", unknown="IN_???"))]
InotifyMaskArg = Annotated[int, Flags(Table("inotify", "IN_", without="IN_CLOEXEC IN_NONBLOCK"), "uint")]
XattrFlagsArg = Annotated[int, Flags(Table("xattr", "XATTR_", without="XATTR_SIZE_MAX"), "uint")]
LandlockArg = Annotated[int, Flags(Table("landlock", "LANDLOCK_CREATE_RULESET_"), "uint")]
XattrValueArg = Annotated[UserAddr, Buffer(IN, "size", most=65536)]
OpenTreeArg = Annotated[
    int,
    Flags(
        Table(
            "mountapi fcntl", "OPEN_TREE_ AT_",
            without="AT_FDCWD AT_EACCESS AT_STATX* AT_REMOVEDIR AT_SYMLINK_FOLLOW", unknown="OPEN_TREE_???",
        ),
        "uint",
    ),
]  # fmt: skip
FanotifyInitArg = Annotated[
    int,
    Flags(
        Table("fanotify", "FAN_C FAN_NONBLOCK FAN_UNLIMITED FAN_ENABLE FAN_REPORT", unknown="FAN_???"), "uint", modes=12
    ),
]
FanotifyMaskArg = Annotated[
    int,
    Flags(
        Table(
            "fanotify", "FAN_",
            without="FAN_MARK_* FAN_CLASS* FAN_CLOEXEC FAN_NONBLOCK FAN_UNLIMITED* FAN_ENABLE* FAN_REPORT*",
        ),
        "ulong",
    ),
]  # fmt: skip
HandleFlagsArg = Annotated[int, Flags(Table("fcntl", "AT_SYMLINK_FOLLOW AT_EMPTY_PATH", unknown="AT_???"))]
SpliceArg = Annotated[int, Flags(Table("splice", "SPLICE_F_"), "uint")]
CloseRangeArg = Annotated[int, Flags(Table("fcntl", "CLOSE_RANGE_"), "uint")]
FlockArg = Annotated[int, Flags(Table("fcntl", "LOCK_"))]
RenameArg = Annotated[int, Flags(Table("fcntl", "RENAME_"), "uint")]

# One call that is many: what `arg` is, is said by the command, in pyuk.abi.commands.
FcntlCommandArg = Annotated[
    int,
    Flags(
        Table(
            "fcntl",
            "F_",
            without="F_RDLCK F_WRLCK F_UNLCK F_SEAL_* F_OWNER_* F_GET_RW* F_SET_RW* F_GET_FILE* F_SET_FILE*",
        ),
        enum=True,
    ),
]
FcntlArg = Annotated[int, ByCommand("cmd", "FCNTL")]
IoctlRequestArg = Annotated[int, Word("ioctl", "uint")]
IoctlArg = Annotated[int, ByCommand("request", "IOCTL")]
PrctlArgument = Annotated[int, ByCommand("option", "PRCTL")]
PrctlThirdArg = Annotated[int, ByCommand("option", "PRCTL_THIRD")]
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
SignalResult = Annotated[int, Explained(Word("signal", "int"))]
HexResult = Annotated[int, Number("ulong", 16)]
FcntlResult = Annotated[int, ByCommand("cmd", "FCNTL_RESULT")]
SchedResult = Annotated[int, Word("scheduler")]
TimeResult = Annotated[int, Explained(Word("date"))]
ReceivedManyResult = Annotated[int, TimeLeft("timeout", TIMESPEC)]
PollResult = Annotated[int, Readiness("ufds", "nfds")]
PpollResult = Annotated[int, Readiness("ufds", "nfds", "tsp", TIMESPEC)]
SelectResult = Annotated[int, Readiness("inp outp exp", "n", "tvp", TIMEVAL)]
PselectResult = Annotated[int, Readiness("inp outp exp", "n", "tsp", TIMESPEC)]
