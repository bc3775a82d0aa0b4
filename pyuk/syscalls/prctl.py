"""prctl(2): what a thread or its process can say of itself."""

from __future__ import annotations

from pyuk.abi.errno import EINVAL, SyscallError
from pyuk.abi.prctl import (
    PR_CAPBSET_READ,
    PR_GET_CHILD_SUBREAPER,
    PR_GET_DUMPABLE,
    PR_GET_KEEPCAPS,
    PR_GET_NAME,
    PR_GET_NO_NEW_PRIVS,
    PR_GET_PDEATHSIG,
    PR_GET_SECCOMP,
    PR_GET_SECUREBITS,
    PR_GET_THP_DISABLE,
    PR_GET_TID_ADDRESS,
    PR_GET_TIMERSLACK,
    PR_GET_TIMING,
    PR_GET_TSC,
    PR_SET_CHILD_SUBREAPER,
    PR_SET_DUMPABLE,
    PR_SET_KEEPCAPS,
    PR_SET_NAME,
    PR_SET_NO_NEW_PRIVS,
    PR_SET_PDEATHSIG,
    PR_SET_SECCOMP,
    PR_SET_TIMERSLACK,
    PR_SET_TSC,
    PR_TSC_ENABLE,
    PR_TSC_SIGSEGV,
)  # fmt: skip
from pyuk.abi.syscall import syscall
from pyuk.abi.types import UserAddr
from pyuk.kernel.signals import N_SIGNALS
from pyuk.kernel.task import DEFAULT_TIMER_SLACK_NS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from pyuk.abi.declare import PrctlArg, PrctlArgument, PrctlRestArg, PrctlResult, PrctlThirdArg
    from pyuk.kernel.task import Task

_COMM_BYTES = 16
_CAP_LAST_CAP = 40  # include/uapi/linux/capability.h: CAP_CHECKPOINT_RESTORE


@syscall(
    "prctl",
    note="names, dumpable, keepcaps, no_new_privs, parent-death signal, subreaper, timer slack, TSC; seccomp; "
    "securebits, timing, THP and the bounding set only read; others EINVAL",
)
def sys_prctl(
    task: Task, option: PrctlArg, arg2: PrctlArgument, arg3: PrctlThirdArg, arg4: PrctlRestArg, arg5: PrctlRestArg
) -> PrctlResult:
    """One call that is many; each option's errors are those of the manual page, EINVAL and EFAULT."""
    rest = (arg3, arg4, arg5)
    if option == PR_SET_SECCOMP:
        from pyuk.syscalls import seccomp  # noqa: PLC0415  # few programs are guarded

        return seccomp.set_mode(task, arg2, arg3)
    if option in _SETTERS:
        _set(task, option, arg2, rest)
        return 0
    getter = _GETTERS.get(option)
    if getter is None:
        raise SyscallError(EINVAL)
    return getter(task, UserAddr(arg2), rest)


_SETTERS = (
    PR_SET_KEEPCAPS, PR_SET_NAME, PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_NO_NEW_PRIVS, PR_SET_CHILD_SUBREAPER,
    PR_SET_TIMERSLACK,
)  # fmt: skip


def _set(task: Task, option: int, value: int, rest: tuple[int, ...]) -> None:
    if option == PR_SET_NAME:
        # strncpy_from_user: what does not fit is cut, and only a bad address before that is an error
        text = bytearray()
        while len(text) < _COMM_BYTES - 1 and (byte := task.mem.read(UserAddr(value + len(text)), 1)) != b"\0":
            text += byte
        task.comm = bytes(text)
    elif option == PR_SET_KEEPCAPS:
        if value > 1:
            raise SyscallError(EINVAL)
        task.creds.keeps_caps = bool(value)
    elif option == PR_SET_PDEATHSIG:
        if value > N_SIGNALS:
            raise SyscallError(EINVAL)
        task.parent_death_signal = value
    elif option == PR_SET_DUMPABLE:
        if value > 1:
            raise SyscallError(EINVAL)
        task.process.dumpable = value
    elif option == PR_SET_NO_NEW_PRIVS:
        if value != 1 or any(rest):
            raise SyscallError(EINVAL)
        task.no_new_privs = True
    elif option == PR_SET_CHILD_SUBREAPER:
        task.process.is_subreaper = bool(value)
    else:
        task.timer_slack_ns = value if 0 < value < 1 << 63 else DEFAULT_TIMER_SLACK_NS


def _get_name(task: Task, address: UserAddr, _rest: tuple[int, ...]) -> int:
    task.mem.write(address, task.comm.ljust(_COMM_BYTES, b"\0"))
    return 0


def _get_death_signal(task: Task, address: UserAddr, _rest: tuple[int, ...]) -> int:
    task.mem.write_u32(address, task.parent_death_signal)
    return 0


def _get_subreaper(task: Task, address: UserAddr, _rest: tuple[int, ...]) -> int:
    task.mem.write_u32(address, task.process.is_subreaper)
    return 0


def _get_no_new_privs(task: Task, address: UserAddr, rest: tuple[int, ...]) -> int:
    if address or any(rest):
        raise SyscallError(EINVAL)
    return int(task.no_new_privs)


def _get_tid_address(task: Task, address: UserAddr, _rest: tuple[int, ...]) -> int:
    task.mem.write_u64(address, task.clear_child_tid)
    return 0


def _read_capability_bound(_task: Task, number: int, _rest: tuple[int, ...]) -> int:
    """Whoever can be root has all capabilities: nothing was taken from the bounding set."""
    if number > _CAP_LAST_CAP:
        raise SyscallError(EINVAL)
    return 1


def _get_tsc(task: Task, address: UserAddr, _rest: tuple[int, ...]) -> int:
    task.mem.write_u32(address, PR_TSC_SIGSEGV if task.rdtsc_is_forbidden else PR_TSC_ENABLE)
    return 0


def _set_tsc(task: Task, mode: int, _rest: tuple[int, ...]) -> int:
    if mode not in (PR_TSC_ENABLE, PR_TSC_SIGSEGV):
        raise SyscallError(EINVAL)
    task.rdtsc_is_forbidden = mode == PR_TSC_SIGSEGV
    kernel = task.kernel
    kernel.machine.cpu.rdtsc_traps = task.rdtsc_is_forbidden or not kernel.clock.goes_by_itself
    return 0


def _get_thp_disable(_task: Task, value: int, rest: tuple[int, ...]) -> int:
    if value or any(rest):
        raise SyscallError(EINVAL)
    return 0


_GETTERS: dict[int, Callable[[Task, UserAddr, tuple[int, ...]], int]] = {
    PR_GET_NAME: _get_name,
    PR_GET_PDEATHSIG: _get_death_signal,
    PR_GET_CHILD_SUBREAPER: _get_subreaper,
    PR_GET_NO_NEW_PRIVS: _get_no_new_privs,
    PR_GET_TID_ADDRESS: _get_tid_address,
    PR_GET_DUMPABLE: lambda task, _address, _rest: task.process.dumpable,
    PR_GET_TIMERSLACK: lambda task, _address, _rest: task.timer_slack_ns,
    PR_GET_KEEPCAPS: lambda task, _address, _rest: int(task.creds.keeps_caps),
    PR_GET_SECCOMP: lambda task, _address, _rest: 0 if task.guard is None else task.guard.mode,
    PR_GET_SECUREBITS: lambda _task, _address, _rest: 0,
    PR_GET_TIMING: lambda _task, _address, _rest: 0,  # PR_TIMING_STATISTICAL
    PR_GET_TSC: _get_tsc,
    PR_SET_TSC: _set_tsc,
    PR_GET_THP_DISABLE: _get_thp_disable,
    PR_CAPBSET_READ: _read_capability_bound,
}
