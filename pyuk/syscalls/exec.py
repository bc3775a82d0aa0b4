"""execve(2), execveat(2): the same process with another program."""

from __future__ import annotations

from pyuk.abi.errno import E2BIG, EFAULT, EINVAL, ENOENT, SyscallError
from pyuk.abi.fcntl import AT_EMPTY_PATH, AT_FDCWD, AT_SYMLINK_NOFOLLOW
from pyuk.abi.resource import RLIMIT_STACK
from pyuk.abi.signal import SI_KERNEL, SIGCHLD, SIGSEGV
from pyuk.abi.syscall import syscall
from pyuk.abi.types import UserAddr
from pyuk.kernel.dispatch import DoesNotReturn
from pyuk.kernel.lifecycle import leave_program, release_mm
from pyuk.kernel.program import enter
from pyuk.kernel.signals import Siginfo
from pyuk.kernel.timers import drop_timers
from pyuk.loader import LoadError
from pyuk.loader.load import prepare
from pyuk.syscalls.names import start_of, user_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.abi.declare import ArgvArg, AtFlagsArg, DirFdArg, EnvpArg, PathArg
    from pyuk.fs.file import OpenFile
    from pyuk.kernel.task import Task

_MAX_ARG_STRLEN = 32 * 4096
_MAX_ARG_STRINGS = 0x7FFFFFFF


@syscall("execve")
def sys_execve(task: Task, filename: PathArg, argv: ArgvArg, envp: EnvpArg) -> int:
    """Replace the program. A failure leaves the caller as it was. Errors: see execve(2)."""
    path = user_path(task, filename)
    return _exec(task, path, None, _strings(task, argv), _strings(task, envp))


@syscall("execveat")
def sys_execveat(task: Task, dfd: DirFdArg, filename: PathArg, argv: ArgvArg, envp: EnvpArg, flags: AtFlagsArg) -> int:
    """The same relative to a directory, or with AT_EMPTY_PATH the file dfd itself. Errors: EINVAL and execve's."""
    if flags & ~(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW):
        raise SyscallError(EINVAL)
    path = user_path(task, filename, may_be_empty=bool(flags & AT_EMPTY_PATH))
    if not path:
        file = task.files.get_any(dfd)
        return _exec(task, b"/dev/fd/%d" % dfd, file, _strings(task, argv), _strings(task, envp))
    if dfd != AT_FDCWD and not path.startswith(b"/"):
        path = start_of(task, dfd, path).link_text() + b"/" + path
    return _exec(task, path, None, _strings(task, argv), _strings(task, envp))


def _strings(task: Task, vector: UserAddr) -> list[bytes]:
    """A NULL-terminated vector of strings; a NULL vector is an empty one. Errors: EFAULT, E2BIG."""
    found: list[bytes] = []
    limit = max(task.limits.soft[RLIMIT_STACK] // 4, _MAX_ARG_STRLEN)
    n_bytes = 0
    if not vector:
        return found
    while pointer := task.mem.read_u64(UserAddr(vector + 8 * len(found))):
        try:
            text = task.mem.cstr(UserAddr(pointer), _MAX_ARG_STRLEN)
        except SyscallError as error:
            raise SyscallError(EFAULT if error.errno == EFAULT else E2BIG) from None
        found.append(text)
        n_bytes += len(text) + 9
        if n_bytes > limit:
            raise SyscallError(E2BIG)
    return found


def _exec(task: Task, path: bytes, file: OpenFile | None, argv: list[bytes], envp: list[bytes]) -> int:
    if not path:
        raise SyscallError(ENOENT)

    def opener(name: bytes, flags: int = 0) -> OpenFile:
        return file.hold() if file is not None and name == path else task.fs.open(name, flags)

    stack_limit = task.limits.soft[RLIMIT_STACK]
    program = prepare(opener, path, argv, envp, task.creds, stack_limit_bytes=stack_limit)
    _leave_old_program(task)
    try:
        enter(task, program)
    except LoadError:
        task.kernel.end_process(task, -SIGSEGV, Siginfo(SIGSEGV, SI_KERNEL))
    if task.tracee is not None and task.tracee.exit_code is None:
        task.tracee.has_execed()
    raise DoesNotReturn


def _leave_old_program(task: Task) -> None:
    """begin_new_exec: other threads end, what was shared with them becomes the task's own."""
    kernel, process = task.kernel, task.process
    kernel.end_other_threads(task)
    drop_timers(process, posix_only=True)
    leave_program(task)
    release_mm(kernel, task)
    task.files = task.files.unshare()
    task.files.close_on_exec()
    task.actions = task.actions.copy()
    task.actions.reset_handlers()
    task.altstack = (0, 0, 0)
    task.rseq = None
    task.creds.after_exec()
    task.restart = None
    process.exit_signal = SIGCHLD
    process.dumpable = 1
    process.exe.drop()
    process.has_execed = True
    process.vfork_done.wake()
