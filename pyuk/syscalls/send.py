"""Sending on sockets: sendto(2), sendmsg(2), sendmmsg(2)."""

from __future__ import annotations

from pyuk.abi.errno import EFAULT, EINVAL, EPIPE, SyscallError
from pyuk.abi.fcntl import O_NONBLOCK
from pyuk.abi.signal import SIGPIPE
from pyuk.abi.socket import MSG_CMSG_COMPAT, MSG_DONTWAIT, MSG_EOR, MSG_NOSIGNAL
from pyuk.abi.syscall import syscall
from pyuk.abi.unistd import MAX_RW_COUNT, UIO_MAXIOV
from pyuk.machine.paging import TASK_SIZE
from pyuk.net.message import Outgoing
from pyuk.syscalls.message import MSGHDR_BYTES, SentHeader, read_address
from pyuk.syscalls.socket import socket_of
from pyuk.syscalls.transfer import behind, good_slices
from pyuk.wait.park import Park, WouldBlock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.abi.declare import Annotated, FdArg, IntArg, MessageFlagsArg, SizeArg, UIntArg
    from pyuk.abi.kinds import IN, Buffer, MessageAt, SocketAddress
    from pyuk.abi.types import UserAddr
    from pyuk.kernel.task import Task
    from pyuk.net.socket import Socket
    from pyuk.syscalls.transfer import Segments

_SMALL_BYTES = 1 << 16
_PIECE_BYTES = 1 << 20
"""What of a stream is looked up in guest memory at once."""
_MMSGHDR_BYTES = 64


class Sending:
    """A send, and what is left of it while it waits: the pinned socket, the segments as given, the progress."""

    __slots__ = ("done", "extra", "flags", "segments", "socket", "task", "total")

    def __init__(self, task: Task, socket: Socket, segments: Segments, flags: int, extra: Outgoing | None) -> None:
        self.task = task
        self.socket = socket
        self.segments = segments
        self.flags = flags
        self.extra = extra
        self.total = sum(length for _, length in segments)
        self.done = 0
        socket.hold()

    def step(self) -> int:
        """Send until all is sent, or it would have to wait. What was sent before an error counts."""
        socket = self.socket
        status = socket.flags | (O_NONBLOCK if self.flags & MSG_DONTWAIT else 0)
        try:
            while True:
                self.done += self._send_some(status)
                if socket.is_datagram or self.done >= self.total or socket.error:
                    return self.done
        except SyscallError as error:
            if self.done:
                return self.done
            if error.errno == EPIPE and socket.sends_sigpipe and not self.flags & MSG_NOSIGNAL:
                self.task.send_signal(SIGPIPE)
            raise

    def _send_some(self, status: int) -> int:
        socket = self.socket
        left = behind(self.segments, self.done) if self.done else self.segments
        if not socket.is_datagram and self.total - self.done > _PIECE_BYTES:
            left = _first(left, _PIECE_BYTES)
        elif socket.is_datagram:
            socket.await_room(self.total)
        slices, wanted, faulted = good_slices(self.task, left, filling=False)
        if faulted:
            slices = socket.whole_pieces(slices, wanted)
            if not slices:
                socket.send_nothing(wanted, status, self.extra)
                raise SyscallError(EFAULT)
        return socket.send(slices, self.flags, status, self.extra)

    def interrupted(self) -> int:
        """What has been sent counts."""
        if self.done:
            return self.done
        raise SyscallError(self.socket.interruption(filling=False))

    def timed_out(self) -> int:
        """SO_SNDTIMEO."""
        return self.done or self.socket.give_up()

    def close(self) -> None:
        """Unpin the socket, and close files that were not sent."""
        if self.extra is not None:
            self.extra.release()
        self.socket.release()


def _first(segments: Segments, n_bytes: int) -> Segments:
    kept = []
    for address, length in segments:
        n = min(length, n_bytes)
        kept.append((address, n))
        n_bytes -= n
        if not n_bytes:
            break
    return kept


def _run(task: Task, operation: Sending | SendingMany) -> int:
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


@syscall("sendto")
def sys_sendto(
    task: Task, fd: FdArg, buff: Annotated[UserAddr, Buffer(IN, "len")], len: SizeArg, flags: MessageFlagsArg,  # noqa: A002
    addr: Annotated[UserAddr, SocketAddress(IN, "addr_len")], addr_len: IntArg,
) -> int:  # fmt: skip
    """Send. Errors: EFAULT, EBADF, ENOTSOCK, EINVAL the address's length, and those of the socket."""
    if buff > TASK_SIZE or len > TASK_SIZE - buff:
        raise SyscallError(EFAULT)
    socket = socket_of(task, fd)
    name = read_address(task, addr, addr_len) if addr else b""
    if 0 < len <= _SMALL_BYTES and not name and not socket.is_datagram:
        try:  # in one try, as most are
            slices = task.mem.slices(buff, len, False)  # noqa: FBT003
            if sum(map(builtin_len, slices)) == len:
                sent = socket.send(slices, flags, socket.flags | (O_NONBLOCK if flags & MSG_DONTWAIT else 0))
                if sent == len:
                    return sent
                operation = Sending(task, socket, [(buff, len)], flags, None)
                operation.done = sent
                return _run(task, operation)
        except SyscallError:
            pass  # once more, with the consequences
        except WouldBlock:
            pass
    extra = Outgoing(name, task.fs) if name else None
    return _run(task, Sending(task, socket, [(buff, min(len, MAX_RW_COUNT))] if len else [], flags, extra))


builtin_len = len


@syscall("sendmsg")
def sys_sendmsg(task: Task, fd: FdArg, msg: Annotated[UserAddr, MessageAt(IN)], flags: MessageFlagsArg) -> int:
    """Send from several buffers, with control messages. Errors: EINVAL, EMSGSIZE, ENOBUFS, and as sendto."""
    if flags & MSG_CMSG_COMPAT:
        raise SyscallError(EINVAL)
    socket = socket_of(task, fd)
    header = SentHeader(task, msg)
    return _run(task, Sending(task, socket, header.segments, flags, header.outgoing(task, socket)))


class SendingMany:
    """What is left of a sendmmsg(2)."""

    __slots__ = ("_current", "_done", "_flags", "_n_messages", "_socket", "_task", "_vector")

    def __init__(self, task: Task, socket: Socket, vector: int, n_messages: int, flags: int) -> None:
        self._task = task
        self._socket = socket
        self._vector = vector
        self._n_messages = n_messages
        self._flags = flags
        self._done = 0
        self._current: Sending | None = None
        socket.hold()

    def step(self) -> int:
        """Send the messages that are left; an error after one was sent is only their count."""
        task = self._task
        try:
            while self._done < self._n_messages:
                at = self._vector + _MMSGHDR_BYTES * self._done
                if self._current is None:
                    header = SentHeader(task, at)
                    flags = self._flags | header.flags & MSG_EOR
                    extra = header.outgoing(task, self._socket)
                    self._current = Sending(task, self._socket, header.segments, flags, extra)
                self._finish_one(self._current.step(), at)
        except SyscallError:
            if self._done:
                return self._done
            raise
        return self._done

    def _finish_one(self, n_bytes: int, at: int) -> None:
        if self._current is not None:
            self._current.close()
            self._current = None
        self._task.mem.write_u32(at + MSGHDR_BYTES, n_bytes)
        self._done += 1

    def _end(self, how: str) -> int:
        """A signal, or the time is over: what was sent counts."""
        try:
            if self._current is not None:
                self._finish_one(getattr(self._current, how)(), self._vector + _MMSGHDR_BYTES * self._done)
        except SyscallError:
            if not self._done:
                raise
        return self._done

    def interrupted(self) -> int:
        """A signal."""
        return self._end("interrupted")

    def timed_out(self) -> int:
        """SO_SNDTIMEO."""
        return self._end("timed_out")

    def close(self) -> None:
        """Unpin the socket."""
        if self._current is not None:
            self._current.close()
        self._socket.release()


@syscall("sendmmsg")
def sys_sendmmsg(
    task: Task, fd: FdArg, mmsg: Annotated[UserAddr, MessageAt(IN, "vlen")], vlen: UIntArg, flags: MessageFlagsArg
) -> int:
    """Several at once. Errors: as sendmsg, of the first."""
    if flags & MSG_CMSG_COMPAT:
        raise SyscallError(EINVAL)
    socket = socket_of(task, fd)
    return _run(task, SendingMany(task, socket, mmsg, min(vlen, UIO_MAXIOV), flags))
