"""signalfd(2): signals as bytes to read (fs/signalfd.c). Whose signals: those of the task that reads or polls."""

from __future__ import annotations

from pyuk.abi.errno import EAGAIN, EFAULT, EINVAL, SyscallError
from pyuk.abi.fcntl import O_NONBLOCK
from pyuk.abi.poll import POLLIN
from pyuk.abi.signal import POLL_HUP, SI_SIGIO, SI_TIMER, SI_USER, SIGCHLD
from pyuk.abi.structs import SIGINFO_CHILD, SIGINFO_HEAD, SIGINFO_POLL, SIGINFO_QUEUE, SIGINFO_TIMER, SIGNALFD_SIGINFO
from pyuk.fs.anon import AnonFile
from pyuk.fs.file import scatter
from pyuk.kernel.signals import UNBLOCKABLE, take_from
from pyuk.wait.park import WouldBlock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.kernel.kernel import Kernel
    from pyuk.kernel.signals import Siginfo
    from pyuk.wait.queue import WaitQueue

_INFO_BYTES = 128


class SignalFd(AnonFile):
    """Reads take the signals of a set; they should be blocked, or they go to their handlers first."""

    __slots__ = ("_kernel", "_mask")
    kind = b"signalfd"
    waits_in = (b"signalfd_dequeue", b"0")

    def __init__(self, kernel: Kernel, mask: int, flags: int) -> None:
        super().__init__(flags)
        self._kernel = kernel
        self.set_mask(mask)

    def set_mask(self, mask: int) -> None:
        """Another set."""
        self._mask = mask & ~UNBLOCKABLE
        self._queue().wake()

    def _queue(self) -> WaitQueue:
        return self._kernel.current.actions.signalfd_queue()

    def read(self, slices: list[memoryview]) -> int:
        """As many as there are and have room, the first waited for. Errors: EINVAL no room for one, EAGAIN."""
        n_most = sum(map(len, slices)) // _INFO_BYTES
        if not n_most:
            raise SyscallError(EINVAL)
        task = self._kernel.current
        infos = [self._take()]
        while len(infos) < n_most:
            info = take_from(task, self._mask)
            if info is None:
                break
            infos.append(info)
        return scatter(slices, b"".join(_pack(info) for info in infos))

    def read_fault(self, offset: int | None, n_bytes: int) -> int:
        """It is taken before it is copied."""
        if n_bytes < _INFO_BYTES:
            raise SyscallError(EINVAL)
        self._take()
        raise SyscallError(EFAULT)

    def _take(self) -> Siginfo:
        info = take_from(self._kernel.current, self._mask)
        if info is None:
            raise SyscallError(EAGAIN) if self.flags & O_NONBLOCK else WouldBlock(self._queue())
        return info

    def fdinfo(self) -> bytes:
        """See OpenFile."""
        return b"sigmask:\t%016x\n" % self._mask

    def poll(self) -> int:
        """Whether a read would give something to the one who asks."""
        task = self._kernel.current
        return POLLIN if (task.pending.mask | task.process.pending.mask) & self._mask else 0

    def poll_queues(self) -> tuple[WaitQueue, ...]:
        """Of the one who asks: an epoll goes on listening to the process that has added it."""
        return (self._queue(),)


def _pack(info: Siginfo) -> bytes:
    """struct signalfd_siginfo: what stands in a siginfo's union is said by signal and code (signalfd_copyinfo)."""
    data = info.pack()
    signo, errno, code = SIGINFO_HEAD.unpack(data)
    fields = {"ssi_signo": signo, "ssi_errno": errno, "ssi_code": code}
    if info.is_fault:
        fields["ssi_addr"] = info.address
    elif code == SI_TIMER:
        _head, fields["ssi_tid"], fields["ssi_overrun"], value = SIGINFO_TIMER.unpack(data)
        fields |= {"ssi_ptr": value, "ssi_int": value}
    elif code == SI_SIGIO or (0 < code <= POLL_HUP and signo != SIGCHLD):
        _head, fields["ssi_band"], fields["ssi_fd"] = SIGINFO_POLL.unpack(data)
    elif signo == SIGCHLD and code > 0:
        _head, *child = SIGINFO_CHILD.unpack(data)
        fields |= zip(("ssi_pid", "ssi_uid", "ssi_status", "ssi_utime", "ssi_stime"), child, strict=True)
    else:
        _head, fields["ssi_pid"], fields["ssi_uid"], value = SIGINFO_QUEUE.unpack(data)
        if code < SI_USER:
            fields |= {"ssi_ptr": value, "ssi_int": value}
    return SIGNALFD_SIGINFO.pack(**fields)
