"""Receiving from sockets: recvfrom(2), recvmsg(2), recvmmsg(2)."""

from __future__ import annotations

from pyuk.abi.errno import EAGAIN, EFAULT, EINVAL, SyscallError
from pyuk.abi.fcntl import O_NONBLOCK
from pyuk.abi.socket import (
    AF_UNIX,
    MSG_CMSG_COMPAT,
    MSG_DONTWAIT,
    MSG_ERRQUEUE,
    MSG_OOB,
    MSG_PEEK,
    MSG_TRUNC,
    MSG_WAITALL,
    MSG_WAITFORONE,
)  # fmt: skip
from pyuk.abi.structs import TIMESPEC
from pyuk.abi.syscall import syscall
from pyuk.abi.time import NSEC_PER_SEC
from pyuk.abi.unistd import MAX_RW_COUNT
from pyuk.machine.paging import TASK_SIZE
from pyuk.net.message import Incoming
from pyuk.syscalls.message import MSGHDR_BYTES, MessageHeader, tell_address, tell_message
from pyuk.syscalls.socket import socket_of
from pyuk.syscalls.transfer import behind, good_slices
from pyuk.wait.park import Park, WouldBlock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.abi.declare import Annotated, FdArg, MessageFlagsArg, ReceivedManyResult, SizeArg, UIntArg
    from pyuk.abi.kinds import IN, OUT, Buffer, Early, MessageAt, SocketAddress, SocketAddressLength, StructAt
    from pyuk.abi.types import UserAddr
    from pyuk.kernel.task import Task
    from pyuk.net.socket import Socket
    from pyuk.syscalls.transfer import Segments

_SMALL_BYTES = 1 << 16
_MMSGHDR_BYTES = 64


class Receiving:
    """A receive, and what is left of it while it waits. `finish` tells what came beside the bytes."""

    __slots__ = ("done", "extra", "flags", "is_ended", "segments", "socket", "task", "total")

    def __init__(self, task: Task, socket: Socket, segments: Segments, flags: int) -> None:
        self.task = task
        self.socket = socket
        self.segments = segments
        self.flags = flags
        self.total = sum(length for _, length in segments)
        self.extra = Incoming()
        self.done = 0
        socket.hold()

    def finish(self, n_bytes: int) -> int:
        """The result, once the caller has been told the rest."""
        self.extra.release()
        return n_bytes

    def step(self) -> int:
        """Receive once, or with MSG_WAITALL until the buffer is full."""
        socket = self.socket
        status = socket.flags | (O_NONBLOCK if self.flags & MSG_DONTWAIT else 0)
        waits_for_all = (
            bool(self.flags & MSG_WAITALL) and not socket.is_datagram and not self.flags & (MSG_OOB | MSG_ERRQUEUE)
        )
        try:
            while True:
                n = self._receive_some(status)
                if self.flags & MSG_PEEK:
                    if waits_for_all and 0 < n < self.total and not self.extra.is_cut:
                        blocked = socket.until_readable(status)
                        if isinstance(blocked, WouldBlock):
                            raise blocked
                    return self.finish(n)
                self.done += n
                if not waits_for_all or not n or self.done >= self.total or self.extra.is_cut:
                    return self.finish(self.done)
                if socket.error:
                    if socket.family == AF_UNIX:  # unix_stream_read_generic takes it before it sees that it has bytes
                        socket.take_error()
                    return self.finish(self.done)
        except SyscallError:
            if self.done:
                return self.finish(self.done)
            raise

    def _receive_some(self, status: int) -> int:
        socket, extra = self.socket, self.extra
        left = behind(self.segments, self.done) if self.done else self.segments
        if self.total > _SMALL_BYTES and not socket.is_datagram:
            left = self._as_far_as_needed(left)
        if socket.can_discard and self.flags & MSG_TRUNC and not self.flags & MSG_OOB:
            n_bytes = min(self.total - self.done, max(socket.readable_bytes(), 1))
            return socket.receive([memoryview(bytearray(n_bytes))], self.flags, status, extra)
        slices, _wanted, faulted = good_slices(self.task, left, filling=True)
        if faulted and not slices and not socket.is_datagram:
            n = socket.receive([memoryview(bytearray(1))], self.flags | MSG_PEEK, status, extra)
            if n:
                raise SyscallError(EFAULT)
            return 0
        n = socket.receive(slices, self.flags, status, extra)
        if faulted and socket.is_datagram and extra.flags & MSG_TRUNC:
            extra.release()
            raise SyscallError(EFAULT)
        return n

    def _as_far_as_needed(self, segments: Segments) -> Segments:
        """A large buffer is looked up only for what there is."""
        there = max(self.socket.readable_bytes(), 1)
        kept = []
        for address, length in segments:
            n = min(length, there)
            kept.append((address, n))
            there -= n
            if not there:
                break
        return kept

    def interrupted(self) -> int:
        """What has been received counts."""
        if self.done:
            return self.finish(self.done)
        raise SyscallError(self.socket.interruption(filling=True))

    def timed_out(self) -> int:
        """SO_RCVTIMEO."""
        return self.finish(self.done) if self.done else self.socket.give_up()

    def close(self) -> None:
        """Unpin the socket, and close files that nobody took."""
        self.extra.release()
        self.socket.release()


class ReceivingFrom(Receiving):
    """recvfrom(2): the sender's name is told."""

    __slots__ = ("_address", "_length_at")

    def __init__(
        self, task: Task, socket: Socket, segments: Segments, flags: int, address: UserAddr, length_at: UserAddr
    ) -> None:
        super().__init__(task, socket, segments, flags)
        self._address = address
        self._length_at = length_at

    def finish(self, n_bytes: int) -> int:
        """Errors: EFAULT, EINVAL; the bytes are gone then."""
        if self._address:
            tell_address(self.task, self.extra.name, self._address, self._length_at)
        return super().finish(n_bytes)


class ReceivingMessage(Receiving):
    """recvmsg(2)."""

    __slots__ = ("_header",)

    def __init__(self, task: Task, socket: Socket, header: MessageHeader, flags: int) -> None:
        super().__init__(task, socket, header.segments, flags)
        self._header = header

    def finish(self, n_bytes: int) -> int:
        """Errors: EFAULT; the bytes are gone then."""
        tell_message(self.task, self._header, self.extra, self.flags)
        return super().finish(n_bytes)


def _run(task: Task, operation: Receiving | ReceivingMany) -> int:
    try:
        result = operation.step()
    except WouldBlock as blocked:
        deadline_ns = task.kernel.clock.monotonic_ns() + blocked.limit_ns if blocked.limit_ns else None
        raise Park.after(blocked, operation, deadline_ns) from None
    except BaseException:
        operation.close()
        raise
    operation.close()
    return result


@syscall("recvfrom")
def sys_recvfrom(
    task: Task, fd: FdArg, ubuf: Annotated[UserAddr, Buffer(OUT, "return")], size: SizeArg, flags: MessageFlagsArg,
    addr: Annotated[UserAddr, SocketAddress(OUT, "addr_len")],
    addr_len: Annotated[UserAddr, SocketAddressLength("addr")],
) -> int:  # fmt: skip
    """Receive. Errors: EFAULT, EBADF, ENOTSOCK, EAGAIN, and those of the socket."""
    if ubuf > TASK_SIZE or size > TASK_SIZE - ubuf:
        raise SyscallError(EFAULT)
    socket = socket_of(task, fd)
    if not addr and not flags & ~MSG_DONTWAIT and 0 < size <= _SMALL_BYTES and not socket.is_datagram:
        try:  # in one try, as most are
            slices = task.mem.slices(ubuf, size, True)  # noqa: FBT003
            if sum(map(len, slices)) == size:
                return socket.receive(slices, 0, socket.flags | (O_NONBLOCK if flags else 0))
        except WouldBlock:
            pass
        except SyscallError as error:
            if error.errno != EFAULT:
                raise
    segments = [(ubuf, min(size, MAX_RW_COUNT))] if size else []
    return _run(task, ReceivingFrom(task, socket, segments, flags, addr, addr_len))  # type: ignore[arg-type]


@syscall("recvmsg")
def sys_recvmsg(task: Task, fd: FdArg, msg: Annotated[UserAddr, MessageAt(OUT)], flags: MessageFlagsArg) -> int:
    """Receive into several buffers, with control messages. Errors: EINVAL, EMSGSIZE, and as recvfrom."""
    if flags & MSG_CMSG_COMPAT:
        raise SyscallError(EINVAL)
    socket = socket_of(task, fd)
    return _run(task, ReceivingMessage(task, socket, MessageHeader(task, msg), flags))


class ReceivingMany:
    """What is left of a recvmmsg(2), whose time-out is looked at only when a message has come."""

    __slots__ = (
        "_current",
        "_deadline_ns",
        "_done",
        "_flags",
        "_n_messages",
        "_socket",
        "_task",
        "_timeout_at",
        "_vector",
    )

    def __init__(self, task: Task, socket: Socket, vector: int, n_messages: int, flags: int, timeout_at: int) -> None:
        """Errors: EFAULT, EINVAL the time."""
        self._task = task
        self._socket = socket
        self._vector = vector
        self._n_messages = n_messages
        self._flags = flags
        self._timeout_at = timeout_at
        self._deadline_ns: int | None = None
        if timeout_at:
            seconds, nanoseconds = TIMESPEC.unpack(task.mem.read(timeout_at, TIMESPEC.size))
            if seconds < 0 or not 0 <= nanoseconds < NSEC_PER_SEC:
                raise SyscallError(EINVAL)
            self._deadline_ns = task.kernel.clock.monotonic_ns() + seconds * NSEC_PER_SEC + nanoseconds
        self._done = 0
        self._current: Receiving | None = None
        socket.hold()

    def step(self) -> int:
        """Receive the messages that are left; an error after one is told by the next call."""
        task, socket = self._task, self._socket
        if not self._done and self._current is None and socket.error:
            raise SyscallError(socket.take_error())
        try:
            while self._done < self._n_messages and not self._is_late():
                at = self._vector + _MMSGHDR_BYTES * self._done
                if self._current is None:
                    flags = self._flags & ~MSG_WAITFORONE
                    if self._flags & MSG_WAITFORONE and self._done:
                        flags |= MSG_DONTWAIT
                    self._current = ReceivingMessage(task, socket, MessageHeader(task, at), flags)
                n = self._current.step()
                had_urgent = bool(self._current.extra.flags & MSG_OOB)
                self._finish_one(n, at)
                if had_urgent:
                    break
        except SyscallError as error:
            if not self._done:
                raise
            if error.errno != EAGAIN:
                socket.error = error.errno
        return self._end()

    def _is_late(self) -> bool:
        return (
            bool(self._done)
            and self._deadline_ns is not None
            and (self._task.kernel.clock.monotonic_ns() >= self._deadline_ns)
        )

    def _finish_one(self, n_bytes: int, at: int) -> None:
        if self._current is not None:
            self._current.close()
            self._current = None
        self._task.mem.write_u32(at + MSGHDR_BYTES, n_bytes)
        self._done += 1

    def _end(self) -> int:
        """Tell the time that is left."""
        if self._deadline_ns is not None:
            left_ns = max(0, self._deadline_ns - self._task.kernel.clock.monotonic_ns())
            self._task.mem.write(self._timeout_at, TIMESPEC.pack(*divmod(left_ns, NSEC_PER_SEC)))
        return self._done

    def _stop(self, how: str) -> int:
        try:
            if self._current is not None:
                self._finish_one(getattr(self._current, how)(), self._vector + _MMSGHDR_BYTES * self._done)
        except SyscallError:
            if not self._done:
                raise
        return self._end()

    def interrupted(self) -> int:
        """A signal: what has been received counts."""
        return self._stop("interrupted")

    def timed_out(self) -> int:
        """SO_RCVTIMEO."""
        return self._stop("timed_out")

    def close(self) -> None:
        """Unpin the socket."""
        if self._current is not None:
            self._current.close()
        self._socket.release()


@syscall("recvmmsg")
def sys_recvmmsg(
    task: Task, fd: FdArg, mmsg: Annotated[UserAddr, MessageAt(OUT, "vlen")], vlen: UIntArg, flags: MessageFlagsArg,
    timeout: Annotated[UserAddr, Early(StructAt(IN, TIMESPEC))],
) -> ReceivedManyResult:  # fmt: skip
    """Several at once. Errors: as recvmsg, of the first; EINVAL and EFAULT the time."""
    if flags & MSG_CMSG_COMPAT:
        raise SyscallError(EINVAL)
    return _run(task, ReceivingMany(task, socket_of(task, fd), mmsg, vlen, flags, timeout))
