"""New processes and threads: fork(2), vfork(2), clone(2), clone3(2)."""

from __future__ import annotations

from pyuk.abi.errno import E2BIG, EINVAL, ENOSYS, EPERM, SyscallError
from pyuk.abi.resource import RLIMIT_NOFILE
from pyuk.abi.sched import (
    CLONE_DETACHED,
    CLONE_FILES,
    CLONE_FS,
    CLONE_NEWCGROUP,
    CLONE_NEWIPC,
    CLONE_NEWNET,
    CLONE_NEWNS,
    CLONE_NEWPID,
    CLONE_NEWUSER,
    CLONE_NEWUTS,
    CLONE_PARENT,
    CLONE_PARENT_SETTID,
    CLONE_PIDFD,
    CLONE_SIGHAND,
    CLONE_SYSVSEM,
    CLONE_THREAD,
    CLONE_VFORK,
    CLONE_VM,
)  # fmt: skip
from pyuk.abi.signal import SIGCHLD, SIGKILL
from pyuk.abi.structs import CLONE_ARGS
from pyuk.abi.syscall import syscall
from pyuk.abi.types import UserAddr
from pyuk.kernel.lifecycle import CloneArguments, clone
from pyuk.kernel.signals import N_SIGNALS
from pyuk.wait.park import Park, WouldBlock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.abi.declare import AddressArg, Annotated, CloneFlagsArg, SizeArg, ULongArg, UnshareArg
    from pyuk.abi.kinds import IN, StructAt
    from pyuk.kernel.task import Process, Task

_CSIGNAL = 0xFF
_NAMESPACES = (
    CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET
)  # fmt: skip
_CLONE_CLEAR_SIGHAND, _CLONE_INTO_CGROUP = 1 << 32, 1 << 33
_CLONE_ARGS_SIZE_VER0 = 64
_PAGE_BYTES = 4096


class VforkDone:
    """The parent of a vfork sleeps until the child has its own memory, or is dead. Only a kill ends that sooner."""

    __slots__ = ("child", "pid", "task")

    def __init__(self, task: Task, child: Process, pid: int) -> None:
        self.task = task
        self.child = child
        self.pid = pid

    def step(self) -> int:
        """The child's pid."""
        if self.child.status is None and not self.child.has_execed:
            raise WouldBlock(self.child.vfork_done)
        if self.task.tracee is not None:
            self.task.tracee.vfork_done(self.pid)
        return self.pid

    def interrupted(self) -> int:
        """Signals wait, but for the one that kills (TASK_KILLABLE)."""
        if (self.task.pending.mask | self.task.process.pending.mask) >> (SIGKILL - 1) & 1:
            return self.pid
        raise WouldBlock(self.child.vfork_done)

    timed_out = step

    def close(self) -> None:
        """Nothing is held."""


@syscall("fork")
def sys_fork(task: Task) -> int:
    """A child with a copy of everything. Errors: EAGAIN, ENOMEM."""
    return _clone(task, CloneArguments(0, exit_signal=SIGCHLD))


@syscall("vfork")
def sys_vfork(task: Task) -> int:
    """A child in the parent's memory, which waits until it is gone from there. Errors: EAGAIN."""
    return _clone(task, CloneArguments(CLONE_VFORK | CLONE_VM, exit_signal=SIGCHLD))


@syscall("clone", note="no namespaces (EPERM)")
def sys_clone(
    task: Task, flags: CloneFlagsArg, newsp: AddressArg, parent_tid: AddressArg, child_tid: AddressArg, tls: ULongArg
) -> int:
    """A child or a thread, as the flags say. Errors: EINVAL, EPERM, EAGAIN, ENOMEM."""
    wish = CloneArguments(
        flags & 0xFFFF_FFFF & ~_CSIGNAL, exit_signal=flags & _CSIGNAL, sp=newsp, parent_tid=parent_tid,
        child_tid=child_tid, tls=tls,
    )  # fmt: skip
    if flags & CLONE_PIDFD and flags & CLONE_PARENT_SETTID:
        raise SyscallError(EINVAL)  # the pidfd is stored where the tid would be
    return _clone(task, wish, parent_tid)


@syscall("clone3", note="no namespaces (EPERM), set_tid or cgroup (EINVAL), CLONE_CLEAR_SIGHAND (ENOSYS)")
def sys_clone3(task: Task, uargs: Annotated[UserAddr, StructAt(IN, CLONE_ARGS)], size: SizeArg) -> int:
    """The same with arguments in a struct. Errors: E2BIG, EINVAL, EFAULT and clone's."""
    if size > _PAGE_BYTES:
        raise SyscallError(E2BIG)
    if size < _CLONE_ARGS_SIZE_VER0:
        raise SyscallError(EINVAL)
    given = task.mem.read(uargs, size)
    if any(given[CLONE_ARGS.size :]):
        raise SyscallError(E2BIG)
    arguments = CLONE_ARGS.record(given.ljust(CLONE_ARGS.size, b"\0"))
    flags = arguments.flags
    if flags & ~0x3_FFFF_FFFF or flags & (CLONE_DETACHED | _CSIGNAL) or arguments.exit_signal > N_SIGNALS:
        raise SyscallError(EINVAL)
    if flags & _CLONE_INTO_CGROUP or arguments.set_tid or arguments.set_tid_size:
        raise SyscallError(EINVAL)
    if flags & (CLONE_THREAD | CLONE_PARENT) and arguments.exit_signal:
        raise SyscallError(EINVAL)
    if bool(arguments.stack) != bool(arguments.stack_size):
        raise SyscallError(EINVAL)
    if flags & _CLONE_CLEAR_SIGHAND:
        raise SyscallError(ENOSYS if not flags & CLONE_SIGHAND else EINVAL)
    wish = CloneArguments(
        flags, exit_signal=arguments.exit_signal, sp=arguments.stack + arguments.stack_size,
        parent_tid=arguments.parent_tid, child_tid=arguments.child_tid, tls=arguments.tls,
    )  # fmt: skip
    return _clone(task, wish, arguments.pidfd)


def _clone(task: Task, wish: CloneArguments, pidfd_at: int = 0) -> int:
    _check(wish.flags)
    if wish.flags & CLONE_PIDFD:
        task.files.check_room(task.limits.soft[RLIMIT_NOFILE])
        task.mem.write_u32(UserAddr(pidfd_at), 0)
    child = clone(task, wish)
    if wish.flags & CLONE_PIDFD:
        from pyuk.kernel.pidfd import PidFile  # noqa: PLC0415

        fd = task.files.install(PidFile(child.process, 0), cloexec=True, n_max=task.limits.soft[RLIMIT_NOFILE])
        task.mem.write_u32(UserAddr(pidfd_at), fd)
    if wish.flags & CLONE_VFORK:
        operation = VforkDone(task, child.process, child.tid)
        raise Park(operation, (child.process.vfork_done,))
    return child.tid


def _check(flags: int) -> None:
    """kernel/fork.c, copy_process: which flags go together."""
    if flags & CLONE_NEWNS and flags & CLONE_FS:
        raise SyscallError(EINVAL)
    if flags & CLONE_THREAD and not flags & CLONE_SIGHAND:
        raise SyscallError(EINVAL)
    if flags & CLONE_SIGHAND and not flags & CLONE_VM:
        raise SyscallError(EINVAL)
    if flags & CLONE_PIDFD and flags & (CLONE_THREAD | CLONE_DETACHED):
        raise SyscallError(EINVAL)
    if flags & _NAMESPACES:
        raise SyscallError(EPERM)


@syscall("unshare", note="no namespaces (EPERM)")
def sys_unshare(task: Task, unshare_flags: UnshareArg) -> int:
    """Have for oneself what was shared: CLONE_FS, CLONE_FILES. Errors: EINVAL flags or several threads, EPERM.

    Source: kernel/fork.c, check_unshare_flags.
    """
    alone = CLONE_THREAD | CLONE_SIGHAND | CLONE_VM
    if unshare_flags & ~(alone | CLONE_FS | CLONE_FILES | CLONE_SYSVSEM | _NAMESPACES):
        raise SyscallError(EINVAL)
    if unshare_flags & alone and len(task.process.tasks) > 1:
        raise SyscallError(EINVAL)
    if unshare_flags & _NAMESPACES:
        raise SyscallError(EPERM)
    if unshare_flags & CLONE_FILES:
        task.files = task.files.unshare()
    if unshare_flags & CLONE_FS:
        own = task.fs.copy()
        task.fs.release()
        task.fs = own
    return 0
