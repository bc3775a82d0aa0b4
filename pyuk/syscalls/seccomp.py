"""seccomp(2), prctl(2)'s PR_SET_SECCOMP, and the ioctls of a listener."""

from __future__ import annotations

import struct

from pyuk.abi.capability import CAP_SYS_ADMIN
from pyuk.abi.errno import (
    EACCES,
    EBUSY,
    EINVAL,
    ENOENT,
    ENOMEM,
    EOPNOTSUPP,
    ESRCH,
    SyscallError,
)  # fmt: skip
from pyuk.abi.ioctls import (
    SECCOMP_IOCTL_NOTIF_ADDFD,
    SECCOMP_IOCTL_NOTIF_ID_VALID,
    SECCOMP_IOCTL_NOTIF_ID_VALID_WRONG_DIR,
    SECCOMP_IOCTL_NOTIF_RECV,
    SECCOMP_IOCTL_NOTIF_SEND,
)
from pyuk.abi.resource import RLIMIT_NOFILE
from pyuk.abi.seccomp import (
    ADDFD_BYTES,
    DATA_BYTES,
    NOTIF_BYTES,
    RESPONSE_BYTES,
    SECCOMP_FILTER_FLAG_LOG,
    SECCOMP_FILTER_FLAG_NEW_LISTENER,
    SECCOMP_FILTER_FLAG_SPEC_ALLOW,
    SECCOMP_FILTER_FLAG_TSYNC,
    SECCOMP_FILTER_FLAG_TSYNC_ESRCH,
    SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV,
    SECCOMP_GET_ACTION_AVAIL,
    SECCOMP_GET_NOTIF_SIZES,
    SECCOMP_MODE_FILTER,
    SECCOMP_MODE_STRICT,
    SECCOMP_RET_ALLOW,
    SECCOMP_RET_ERRNO,
    SECCOMP_RET_KILL_PROCESS,
    SECCOMP_RET_KILL_THREAD,
    SECCOMP_RET_LOG,
    SECCOMP_RET_TRACE,
    SECCOMP_RET_TRAP,
    SECCOMP_RET_USER_NOTIF,
    SECCOMP_SET_MODE_FILTER,
    SECCOMP_SET_MODE_STRICT,
)
from pyuk.abi.syscall import syscall
from pyuk.kernel import seccomp
from pyuk.kernel.bpf import INSN, MAX_INSNS, Program
from pyuk.kernel.seccomp import Filter
from pyuk.kernel.seccomp_notify import Listener, Notification, Receive
from pyuk.wait.park import Park, WouldBlock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.abi.declare import SeccompArg, SeccompArgument, SeccompFlagsArg
    from pyuk.fs.file import OpenFile
    from pyuk.kernel.task import Task

_FLAGS = (
    SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_LOG | SECCOMP_FILTER_FLAG_SPEC_ALLOW
    | SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_TSYNC_ESRCH | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
)  # fmt: skip
_ACTIONS = (
    SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_KILL_THREAD, SECCOMP_RET_TRAP, SECCOMP_RET_ERRNO, SECCOMP_RET_USER_NOTIF,
    SECCOMP_RET_TRACE, SECCOMP_RET_LOG, SECCOMP_RET_ALLOW,
)  # fmt: skip
_PROGRAM = struct.Struct("<H6xQ")  # struct sock_fprog
_PAGE_BYTES = 4096
_IOC_SIZE_SHIFT, _IOC_SIZE_MASK = 16, 0x3FFF


@syscall("seccomp", note="SECCOMP_RET_LOG and the log flag log nothing")
def sys_seccomp(task: Task, op: SeccompArg, flags: SeccompFlagsArg, uargs: SeccompArgument) -> int:
    """Restrict the system calls of a thread.

    Errors: EINVAL, EFAULT, EACCES neither no_new_privs nor CAP_SYS_ADMIN, EBUSY, ENOMEM, ESRCH, EOPNOTSUPP.
    """
    if op == SECCOMP_SET_MODE_STRICT:
        if flags or uargs:
            raise SyscallError(EINVAL)
        return set_strict(task)
    if op == SECCOMP_SET_MODE_FILTER:
        return set_filter(task, flags, uargs)
    if flags or op not in (SECCOMP_GET_ACTION_AVAIL, SECCOMP_GET_NOTIF_SIZES):
        raise SyscallError(EINVAL)
    if op == SECCOMP_GET_ACTION_AVAIL:
        if task.mem.read_u32(uargs) not in _ACTIONS:
            raise SyscallError(EOPNOTSUPP)
    else:
        task.mem.write(uargs, struct.pack("<HHH", NOTIF_BYTES, RESPONSE_BYTES, DATA_BYTES))
    return 0


def set_mode(task: Task, mode: int, address: int) -> int:
    """prctl(2)'s PR_SET_SECCOMP. Errors: EINVAL no such mode, and those above."""
    if mode == SECCOMP_MODE_STRICT:
        return set_strict(task)
    if mode != SECCOMP_MODE_FILTER:
        raise SyscallError(EINVAL)
    return set_filter(task, 0, address)


def set_strict(task: Task) -> int:
    """read, write, exit and sigreturn alone. Errors: EINVAL there are filters."""
    if seccomp.mode_of(task) == SECCOMP_MODE_FILTER:
        raise SyscallError(EINVAL)
    seccomp.set_guard(task, SECCOMP_MODE_STRICT, None)
    return 0


def set_filter(task: Task, flags: int, address: int) -> int:
    """One more filter; gives 0, the listener, or with TSYNC the thread that has others."""
    is_synchronized = bool(flags & SECCOMP_FILTER_FLAG_TSYNC)
    listens = bool(flags & SECCOMP_FILTER_FLAG_NEW_LISTENER)
    if flags & ~_FLAGS or (is_synchronized and listens and not flags & SECCOMP_FILTER_FLAG_TSYNC_ESRCH):
        raise SyscallError(EINVAL)
    if flags & SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV and not listens:
        raise SyscallError(EINVAL)
    program = _read_program(task, address)
    if listens:
        task.files.check_room(task.limits.soft[RLIMIT_NOFILE])
    guard = task.guard
    if seccomp.mode_of(task) == SECCOMP_MODE_STRICT:
        raise SyscallError(EINVAL)
    previous = None if guard is None else guard.filter
    chain = [] if previous is None else previous.chain()
    if listens and any(older.listener is not None for older in chain):
        raise SyscallError(EBUSY)
    lengths = [program.n_converted, *(older.program.n_converted + seccomp.PENALTY_INSNS for older in chain)]
    if sum(lengths) > seccomp.MAX_INSNS_PER_PATH:
        raise SyscallError(ENOMEM)
    if is_synchronized:
        stray = _find_stray(task, chain)
        if stray is not None:
            if flags & SECCOMP_FILTER_FLAG_TSYNC_ESRCH:
                raise SyscallError(ESRCH)
            return stray.tid
    newest = Filter(program, previous)
    newest.has_log = bool(flags & SECCOMP_FILTER_FLAG_LOG)
    newest.is_wait_killable = bool(flags & SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV)
    if previous is not None:
        previous.hold()
    for other in task.process.tasks if is_synchronized else [task]:
        seccomp.set_guard(other, SECCOMP_MODE_FILTER, newest)
        other.no_new_privs |= task.no_new_privs
    if not listens:
        return 0
    first_id = int.from_bytes(task.kernel.random.bytes(8), "little")
    newest.listener = listener = Listener(newest, first_id)
    return task.files.install(listener, cloexec=True, n_max=task.limits.soft[RLIMIT_NOFILE])


def _read_program(task: Task, address: int) -> Program:
    """The filter, checked. Source: seccomp_prepare_user_filter, bpf_prog_create_from_user."""
    length, at = _PROGRAM.unpack(task.mem.read(address, _PROGRAM.size))
    if not 0 < length <= MAX_INSNS:
        raise SyscallError(EINVAL)
    if not task.no_new_privs and not task.creds.has(CAP_SYS_ADMIN):
        raise SyscallError(EACCES)
    if not at:
        raise SyscallError(EINVAL)
    return Program(task.mem.read(at, length * INSN.size))


def _find_stray(task: Task, chain: list[Filter]) -> Task | None:
    """A thread whose filters are not among those of the caller (seccomp_can_sync_threads)."""
    for other in task.process.tasks:
        guard = other.guard
        if other is task or guard is None or (guard.mode == SECCOMP_MODE_FILTER and guard.filter in chain):
            continue
        return other
    return None


# The listener


def listener_ioctl(task: Task, file: OpenFile, request: int, arg: int) -> int:
    """seccomp_notify_ioctl. Errors: EINVAL no such request, and each one's own."""
    listener = file
    assert isinstance(listener, Listener)  # noqa: S101
    if request == SECCOMP_IOCTL_NOTIF_RECV:
        return _receive(task, listener, arg)
    if request == SECCOMP_IOCTL_NOTIF_SEND:
        number, value, error, flags = struct.unpack("<QqiI", task.mem.read(arg, RESPONSE_BYTES))
        listener.send(number, value, error, flags)
        return 0
    if request in (SECCOMP_IOCTL_NOTIF_ID_VALID, SECCOMP_IOCTL_NOTIF_ID_VALID_WRONG_DIR):
        if not listener.is_valid(task.mem.read_u64(arg)):
            raise SyscallError(ENOENT)
        return 0
    size = request >> _IOC_SIZE_SHIFT & _IOC_SIZE_MASK
    if request & ~(_IOC_SIZE_MASK << _IOC_SIZE_SHIFT) == SECCOMP_IOCTL_NOTIF_ADDFD & ~(
        _IOC_SIZE_MASK << _IOC_SIZE_SHIFT
    ):
        if not ADDFD_BYTES <= size < _PAGE_BYTES:
            raise SyscallError(EINVAL)
        number, flags, source, newfd, newfd_flags = struct.unpack("<QIIII", task.mem.read(arg, ADDFD_BYTES))
        return listener.add_fd(number, flags, task.files.find(source), newfd, newfd_flags)
    raise SyscallError(EINVAL)


def _receive(task: Task, listener: Listener, arg: int) -> int:
    if any(task.mem.read(arg, NOTIF_BYTES)):
        raise SyscallError(EINVAL, "the struct is not zero")

    def tell(notification: Notification) -> int:
        head = struct.pack("<QII", notification.number_of, notification.task.tid, 0)
        task.mem.write(arg, head + notification.data)
        return 0

    operation = Receive(listener, tell)
    try:
        return operation.step()
    except WouldBlock as blocked:
        operation.listener.hold()
        raise Park.after(blocked, operation) from None
