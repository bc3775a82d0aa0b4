"""What only a system administrator may do, and personality(2).

A guest is never one of the host: what would change the machine is EPERM without the capability, and where a guest has
that, an errno that Linux has for a machine that cannot do it. Names are the guest's own.
"""

from __future__ import annotations

from pyuk.abi.capability import (
    CAP_SYS_ADMIN,
    CAP_SYS_BOOT,
    CAP_SYS_MODULE,
    CAP_SYS_PACCT,
    CAP_SYS_RAWIO,
    CAP_SYS_TIME,
    CAP_SYS_TTY_CONFIG,
    CAP_SYSLOG,
)
from pyuk.abi.errno import EINVAL, ENOSYS, EPERM, SyscallError
from pyuk.abi.syscall import syscall

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.abi.declare import (
        AddressArg,
        Annotated,
        ClockArg,
        HexUIntArg,
        IntArg,
        PathArg,
        PersonalityArg,
        PersonalityResult,
        UIntArg,
        ULongArg,
    )
    from pyuk.abi.kinds import IN, Buffer, StructAt
    from pyuk.abi.structs import TIMESPEC, TIMEVAL, TIMEZONE
    from pyuk.abi.types import UserAddr
    from pyuk.kernel.task import Task

_NEW_UTS_LEN = 64
_ASK = 0xFFFF_FFFF


def _need(task: Task, capability: int) -> None:
    if not task.creds.has(capability):
        raise SyscallError(EPERM)


@syscall("personality", note="kept and shown; only ADDR_NO_RANDOMIZE is what pyuk does anyway")
def sys_personality(task: Task, personality: PersonalityArg) -> PersonalityResult:
    """Set the execution domain, all ones to ask only; gives the old one."""
    old = task.personality
    if personality != _ASK:
        task.personality = personality
    return old


@syscall("vhangup", note="nothing happens to the host's terminal")
def sys_vhangup(task: Task) -> int:
    """Hang up the caller's controlling terminal. Errors: EPERM."""
    _need(task, CAP_SYS_TTY_CONFIG)
    tty = task.process.tty
    if tty is not None:
        tty.hang_up()
    return 0


def _name(task: Task, name: UserAddr, length: int) -> str:
    _need(task, CAP_SYS_ADMIN)
    if not 0 <= length <= _NEW_UTS_LEN:
        raise SyscallError(EINVAL)
    return task.mem.read(name, length).split(b"\0", 1)[0].decode("utf-8", "surrogateescape")


@syscall("sethostname")
def sys_sethostname(task: Task, name: Annotated[UserAddr, Buffer(IN, "len")], len: IntArg) -> int:  # noqa: A002
    """Set the guest's nodename, which is not the host's. Errors: EPERM, EINVAL, EFAULT."""
    task.kernel.identity.nodename = _name(task, name, len)
    return 0


@syscall("setdomainname")
def sys_setdomainname(task: Task, name: Annotated[UserAddr, Buffer(IN, "len")], len: IntArg) -> int:  # noqa: A002
    """Set the guest's NIS domain name. Errors: EPERM, EINVAL, EFAULT."""
    task.kernel.identity.domainname = _name(task, name, len)
    return 0


@syscall("iopl", note="EPERM")
def sys_iopl(task: Task, level: UIntArg) -> int:
    """Rights to I/O ports, of which there are none. Errors: EINVAL, EPERM."""
    if level > 3:  # noqa: PLR2004
        raise SyscallError(EINVAL)
    _need(task, CAP_SYS_RAWIO)
    raise SyscallError(EPERM)


@syscall("clock_settime", note="EPERM: the clock is the host's")
def sys_clock_settime(task: Task, which_clock: ClockArg, tp: Annotated[UserAddr, StructAt(IN, TIMESPEC)]) -> int:
    """Set a clock. Errors: EINVAL not CLOCK_REALTIME, EFAULT, EPERM."""
    if which_clock:
        raise SyscallError(EINVAL)
    task.mem.read(tp, 16)
    _need(task, CAP_SYS_TIME)
    raise SyscallError(EPERM)


@syscall("settimeofday", note="EPERM: the clock is the host's")
def sys_settimeofday(
    task: Task, tv: Annotated[UserAddr, StructAt(IN, TIMEVAL)], tz: Annotated[UserAddr, StructAt(IN, TIMEZONE)]
) -> int:
    """Set the wall clock. Errors: EFAULT, EPERM."""
    if tv:
        task.mem.read(tv, 16)
    if tz:
        task.mem.read(tz, 8)
    _need(task, CAP_SYS_TIME)
    if tv or tz:
        raise SyscallError(EPERM)
    return 0


@syscall("reboot", note="EPERM")
def sys_reboot(task: Task, magic1: HexUIntArg, magic2: HexUIntArg, cmd: HexUIntArg, arg: AddressArg) -> int:
    """End the machine. Errors: EPERM."""
    _need(task, CAP_SYS_BOOT)
    raise SyscallError(EPERM)


@syscall("acct", note="EPERM, or ENOSYS as a kernel without process accounting")
def sys_acct(task: Task, name: PathArg) -> int:
    """Process accounting. Errors: EPERM, ENOSYS."""
    _need(task, CAP_SYS_PACCT)
    raise SyscallError(ENOSYS)


@syscall("swapon", note="EPERM")
def sys_swapon(task: Task, specialfile: PathArg, swap_flags: HexUIntArg) -> int:
    """Use a file as swap space. Errors: EPERM."""
    _need(task, CAP_SYS_ADMIN)
    raise SyscallError(EPERM)


@syscall("swapoff", note="EPERM, or EINVAL: nothing is swapped to")
def sys_swapoff(task: Task, specialfile: PathArg) -> int:
    """Stop using it. Errors: EPERM, EINVAL it was never used."""
    _need(task, CAP_SYS_ADMIN)
    raise SyscallError(EINVAL)


@syscall("init_module", note="EPERM, or ENOSYS as a kernel without modules")
def sys_init_module(task: Task, umod: AddressArg, len: ULongArg, uargs: AddressArg) -> int:  # noqa: A002
    """Load a module. Errors: EPERM, ENOSYS."""
    _need(task, CAP_SYS_MODULE)
    raise SyscallError(ENOSYS)


@syscall("syslog", note="the kernel's log is empty")
def sys_syslog(task: Task, type: IntArg, buf: AddressArg, len: IntArg) -> int:  # noqa: A002
    """Read and control the kernel's log. Errors: EPERM, EINVAL."""
    if not 0 <= type <= 10:  # noqa: PLR2004
        if not task.creds.has(CAP_SYSLOG):
            raise SyscallError(EPERM)
        raise SyscallError(EINVAL)
    if not task.creds.has(CAP_SYSLOG):
        raise SyscallError(EPERM)
    if type in (2, 3, 4) and (not buf or len < 0):
        raise SyscallError(EINVAL)
    return 0
