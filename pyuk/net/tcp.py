"""TCP (tcp(7)) without packets: what one end sends is appended to the other's queue, at once and in order.

Of the bytes in a socket's `inbox`, as many as its window has room for have been received; the rest is what the peer has
sent and not yet got through. So each end has a send buffer and a receive buffer as on Linux, with one queue between
them. Handshakes, ends and resets take no time either, but for a connection request that a full backlog drops.

Source: Linux 6.1 net/ipv4/tcp.c, tcp_input.c, inet_connection_sock.c, af_inet.c (inet_stream_connect).
"""

from __future__ import annotations

from _collections import deque  # type: ignore[import-not-found]  # collections itself costs a start 1 ms

from pyuk.abi.errno import (
    EADDRINUSE,
    EADDRNOTAVAIL,
    EAGAIN,
    EALREADY,
    ECONNABORTED,
    ECONNREFUSED,
    ECONNRESET,
    EINPROGRESS,
    EINVAL,
    EISCONN,
    ENOTCONN,
    EPIPE,
    ETIMEDOUT,
    SyscallError,
)  # fmt: skip
from pyuk.abi.fcntl import O_NONBLOCK
from pyuk.abi.inet import (
    IPPROTO_TCP,
    TCP_CORK,
    TCP_DEFER_ACCEPT,
    TCP_NODELAY,
    TCP_SYNCNT,
    TCP_USER_TIMEOUT,
)  # fmt: skip
from pyuk.abi.ioctls import FIONREAD, SIOCATMARK, SIOCOUTQNSD, TIOCOUTQ
from pyuk.abi.poll import POLLERR, POLLHUP, POLLIN, POLLOUT, POLLPRI, POLLRDHUP, POLLRDNORM, POLLWRNORM
from pyuk.abi.socket import (
    AF_INET,
    AF_UNSPEC,
    MSG_ERRQUEUE,
    MSG_FASTOPEN,
    MSG_MORE,
    MSG_OOB,
    MSG_PEEK,
    MSG_TRUNC,
    SHUT_RD,
    SHUT_RDWR,
    SHUT_WR,
    SO_LINGER,
    SO_OOBINLINE,
    SO_RCVBUF,
    SO_SNDBUF,
    SOCK_STREAM,
    SOL_SOCKET,
    SOL_TCP,
    TCP_CLOSE,
    TCP_CLOSE_WAIT,
    TCP_CLOSING,
    TCP_ESTABLISHED,
    TCP_FIN_WAIT1,
    TCP_FIN_WAIT2,
    TCP_LAST_ACK,
    TCP_LISTEN,
    TCP_SYN_SENT,
)  # fmt: skip
from pyuk.fs.file import first_bytes, scatter, without_bytes
from pyuk.net.address import ANY4, ANY6, Endpoint, family_of
from pyuk.net.inet import BOUND_ADDRESS, BOUND_PORT, InetSocket
from pyuk.net.ports import Owner, same_place
from pyuk.net.socket import RCV_SHUTDOWN, SEND_SHUTDOWN
from pyuk.wait.park import WouldBlock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.fs.context import FsContext
    from pyuk.net.message import Incoming, Outgoing
    from pyuk.net.network import Alarm, Network
    from pyuk.net.socket import Read, Socket

_READABLE, _WRITABLE = POLLIN | POLLRDNORM, POLLOUT | POLLWRNORM
_BOTH = RCV_SHUTDOWN | SEND_SHUTDOWN
_SEND_BYTES, _RECEIVE_BYTES = 16384, 131072  # net.ipv4.tcp_wmem, tcp_rmem: the default
_TUNED_SEND_BYTES = 2626560  # what Linux makes of it for ten segments on the loopback
MAX_SEGMENT_BYTES = 65483
"""Of the loopback's 65536 bytes, behind the headers."""
_SMALL_BYTES, _COALESCED_BYTES = 2048, 16384
_NS = 1_000_000_000
_SYN_RETRIES = 6  # net.ipv4.tcp_syn_retries
_TIME_WAIT_NS = 60 * _NS
_TIME_WAIT_REUSE_NS = _NS
MAX_TIME_WAITS = 16384  # net.ipv4.tcp_max_tw_buckets
_FIN_TIMEOUT_NS = 60 * _NS
_CORK_NS = 200_000_000
_TALKING = (TCP_ESTABLISHED, TCP_CLOSE_WAIT)
_URGENT, _URGENT_READ = 1, 2
_ENDING = (TCP_FIN_WAIT1, TCP_FIN_WAIT2, TCP_CLOSING, TCP_LAST_ACK)


class TimeWait(Owner):
    """What is left of a connection for a minute: nobody else has its addresses and ports."""

    __slots__ = ("begun_ns", "family", "local", "remote")

    def __init__(self, socket: TcpSocket, now_ns: int) -> None:
        super().__init__(socket)
        self.begun_ns = now_ns
        self.family = socket.family
        self.local = (socket.local_ip, socket.local_port)
        self.remote = (socket.remote_ip, socket.remote_port)


def _conflicts(socket: InetSocket, owner: InetSocket | Owner, relaxed: bool) -> bool:  # noqa: FBT001
    """Whether two cannot both have a port (inet_csk_bind_conflict)."""
    if not same_place(socket, owner):
        return False
    share = socket.is_shared and owner.is_shared and (owner.is_waiting or socket.uid == owner.uid)
    if socket.is_reusable and owner.is_reusable and not owner.is_listening:
        return not relaxed
    return not share or not relaxed


def _drop_time_wait(socket: TcpSocket, entry: TimeWait) -> None:
    inet = socket.inet
    del inet.time_waits[entry.local, entry.remote]
    inet.tcp_ports.remove(entry.local[1], entry)


class TcpSocket(InetSocket):
    """One end of a connection, or a listener.

    Invariants: n_bytes counts the inbox less `start`; `hidden` of them, the last, are held back by the peer's cork;
    `consumed` counts all bytes that were ever taken out, and positions in the stream are counted with it.
    """

    __slots__ = (
        "_alarm", "_cork_alarm", "_n_syns", "_start", "backlog", "consumed", "deferred", "fin_is_waiting", "hidden",
        "inbox", "is_closed", "is_connecting", "is_corked", "is_done", "is_starved", "listener", "n_bytes", "peer",
        "urgent_at", "urgent_byte", "urgent_state", "waiting", "window",
    )  # fmt: skip
    can_discard = True

    def __init__(self, network: Network, family: int, flags: int) -> None:
        super().__init__(network, family, SOCK_STREAM, IPPROTO_TCP, flags)
        self.send_buffer_bytes, self.receive_buffer_bytes = _SEND_BYTES, _RECEIVE_BYTES
        self.window = _RECEIVE_BYTES >> 1
        """How many bytes it takes before the peer's stay with the peer."""
        self.peer: TcpSocket | None = None
        self.inbox: deque[bytes | bytearray] = deque()
        self._start = self.n_bytes = self.hidden = self.consumed = 0
        self.is_connecting = self.is_closed = self.is_done = self.is_starved = self.fin_is_waiting = False
        self.is_corked = False
        # is_connecting: connect(2) has not been told how it ended; is_done: the peer's end has come;
        # is_starved: somebody waits for room to send; fin_is_waiting: the end comes behind what does not fit
        self.urgent_at = self.urgent_state = self.urgent_byte = 0
        self.backlog = 0
        self.waiting: deque[TcpSocket] = deque()
        """Connections that nobody has accepted, each held once."""
        self.deferred: list[TcpSocket] = []
        """Those that have sent nothing yet (TCP_DEFER_ACCEPT)."""
        self.listener: TcpSocket | None = None
        """Whose `deferred` it is in."""
        self._alarm: Alarm | None = None
        self._cork_alarm: Alarm | None = None
        self._n_syns = 0

    # Ports

    def take_port(self, port: int) -> None:
        """See InetSocket."""
        self._forget_old()
        self.port = self.local_port = self.inet.tcp_ports.bind(self, port, _conflicts)

    def leave_port(self) -> None:
        """See InetSocket."""
        if self.port:
            self.inet.tcp_ports.remove(self.port, self)
            self.port = 0

    def _forget_old(self) -> None:
        """TIME_WAIT lasts a minute."""
        waits = self.inet.time_waits
        if waits:
            now_ns = self.network.monotonic_ns()
            for entry in list(waits.values()):
                if now_ns - entry.begun_ns < _TIME_WAIT_NS:
                    break
                _drop_time_wait(self, entry)

    # Listening

    def listen(self, backlog: int) -> None:
        """Errors: EINVAL it is connected, EADDRINUSE somebody listens there."""
        if self.is_connecting or self.state not in (TCP_CLOSE, TCP_LISTEN):
            raise SyscallError(EINVAL)
        self.backlog = backlog
        if self.state == TCP_LISTEN:
            return
        if not self.port:
            self.take_port(0)
        self.state = TCP_LISTEN
        owners = self.inet.tcp_ports.owners[self.port]
        if any(_conflicts(self, owner, True) for owner in owners if owner is not self):  # noqa: FBT003
            self.state = TCP_CLOSE
            raise SyscallError(EADDRINUSE)
        self.is_shut = 0
        self.inet.listeners.setdefault(self.port, []).append(self)

    def _stop_listening(self) -> None:
        """Nobody will accept who still waits."""
        listeners = self.inet.listeners[self.port]
        listeners.remove(self)
        if not listeners:
            del self.inet.listeners[self.port]
        self.state = TCP_CLOSE
        for child in (*self.waiting, *self.deferred):
            child.listener = None
            child.is_closed = True
            child.reset()
        self.waiting.clear()
        self.deferred.clear()
        self.queue.wake()

    def accept(self, status: int) -> Socket:
        """The connection that has waited longest. Errors: EINVAL it does not listen, EAGAIN."""
        if self.state != TCP_LISTEN:
            raise SyscallError(EINVAL)
        if not self.waiting:
            raise self.until_readable(status)
        child: TcpSocket = self.waiting.popleft()
        self.network.n_made += 1
        child.ino = self.network.n_made
        return child

    def _find_listener(self, to: Endpoint) -> TcpSocket | None:
        """Who listens at an address: the most special, and of several that share it one by the caller's port."""
        best: list[TcpSocket] = []
        best_score = 0
        for listener in self.inet.listeners.get(to[1], ()):
            if listener.local_ip == to[0]:
                score = 4
            elif listener.local_ip == ANY4 and len(to[0]) == len(ANY4):
                score = 2
            elif listener.local_ip == ANY6 and not (listener.is_ipv6only and len(to[0]) == len(ANY4)):
                score = 1 if len(to[0]) == len(ANY4) else 2
            else:
                continue
            score = 2 * score + (listener.family == AF_INET)
            if score > best_score:
                best, best_score = [listener], score
            elif score == best_score:
                best.append(listener)
        if not best:
            return None
        return best[(self.local_port * 2654435761 >> 16) % len(best)]

    # Connecting

    def connect(self, address: bytes, status: int, fs: FsContext) -> None:
        """Errors: EINVAL, EAFNOSUPPORT, EISCONN, EALREADY, EINPROGRESS, ENETUNREACH, EADDRNOTAVAIL, ECONNREFUSED."""
        if len(address) < 2:  # noqa: PLR2004
            raise SyscallError(EINVAL)
        if family_of(address) == AF_UNSPEC:
            self._disconnect()
            return
        if not self.is_connecting:
            if self.state != TCP_CLOSE:
                raise SyscallError(EISCONN)
            self._begin(address)
            is_first = True
        else:
            is_first = False
        if self.state == TCP_SYN_SENT:
            if status & O_NONBLOCK or self.send_timeout_ns == 0:
                raise SyscallError(EINPROGRESS if is_first else EALREADY)
            raise WouldBlock(self.queue, limit_ns=self.send_timeout_ns or 0)
        if is_first and status & O_NONBLOCK:
            raise SyscallError(EINPROGRESS)  # it is over, and this call does not know yet
        self.is_connecting = False
        if self.state == TCP_CLOSE:
            error = self.take_error() or ECONNABORTED
            self._disconnect()
            raise SyscallError(error)

    def give_up_connecting(self) -> int:
        """SO_SNDTIMEO: the connection may still come about."""
        raise SyscallError(EINPROGRESS)

    def _begin(self, address: bytes) -> None:
        remote = self.destination(address)
        self.check_route(remote[0])
        self._forget_old()
        source = self.source_for(remote[0])
        if self.port:
            local = (source, self.port)
            if not self._is_free(local, remote):
                raise SyscallError(EADDRNOTAVAIL)
        else:
            ports = self.inet.tcp_ports
            port = ports.find_for_connect(
                lambda port: (
                    (port not in ports.owners or port in ports.by_connect) and self._is_free((source, port), remote)
                )
            )
            local = (source, port)
            self.port = port
            if port not in ports.owners:
                ports.by_connect.add(port)
            ports.add(port, self)
        self.local_ip, self.local_port = local
        self.remote_ip, self.remote_port = remote
        self.is_shut = self.error = 0
        self.is_done = False
        self.state = TCP_SYN_SENT
        self.is_connecting = True
        self.inet.connections[local, remote] = self
        self._n_syns = 0
        self._send_syn()

    def _is_free(self, local: Endpoint, remote: Endpoint) -> bool:
        """Whether nobody has this pair of ends. What waits after a connection can be had after a second."""
        if (local, remote) in self.inet.connections:
            return False
        entry = self.inet.time_waits.get((local, remote))
        if entry is None:
            return True
        if self.network.monotonic_ns() - entry.begun_ns < _TIME_WAIT_REUSE_NS:
            return False
        _drop_time_wait(self, entry)
        return True

    def _send_syn(self) -> None:
        """Ask for the connection: granted, refused, or dropped and asked again later, twice as long each time."""
        self._alarm = None
        if self.state != TCP_SYN_SENT:
            return
        remote = (self.remote_ip, self.remote_port)
        if remote == (self.local_ip, self.local_port):
            self._establish(self)
            return
        listener = self._find_listener(remote)
        if listener is None:
            self.error = ECONNREFUSED
            self._finish()
            return
        if len(listener.waiting) <= listener.backlog:
            self._establish(listener.new_child(self))
            return
        limit_ns = self.options.get((SOL_TCP, TCP_USER_TIMEOUT), 0) * 1_000_000
        passed_ns = ((1 << self._n_syns) - 1) * _NS
        n_retries = self.options.get((SOL_TCP, TCP_SYNCNT), _SYN_RETRIES)
        if self._n_syns > n_retries or (limit_ns and passed_ns >= limit_ns):
            self.error = ETIMEDOUT
            self._finish()
            return
        self._alarm = self.network.after(_NS << self._n_syns, self._send_syn)
        self._n_syns += 1

    def new_child(self, client: TcpSocket) -> TcpSocket:
        """The listener's end of a connection that a client asks for, to be accepted."""
        child = TcpSocket(self.network, self.family, 0)
        child.options = self.options.copy()
        child.is_ipv6only, child.locks = self.is_ipv6only, BOUND_ADDRESS
        child.send_buffer_bytes, child.receive_buffer_bytes = self.send_buffer_bytes, self.receive_buffer_bytes
        child.is_corked = self.is_corked
        child.window, child.low_water_bytes = self.window, self.low_water_bytes
        child.send_timeout_ns, child.receive_timeout_ns = self.send_timeout_ns, self.receive_timeout_ns
        child.uid, child.ino = self.uid, 0  # it is no file yet
        child.local_ip, child.local_port, child.port = client.remote_ip, client.remote_port, self.port
        child.remote_ip, child.remote_port = client.local_ip, client.local_port
        self.inet.tcp_ports.add(self.port, child)
        self.inet.connections[(child.local_ip, child.local_port), (child.remote_ip, child.remote_port)] = child
        if self.options.get((SOL_TCP, TCP_DEFER_ACCEPT)):
            child.listener = self
            self.deferred.append(child)
            seconds = self.options[SOL_TCP, TCP_DEFER_ACCEPT]
            child._alarm = self.network.after(seconds * _NS, child.has_sent)
        else:
            self.waiting.append(child)
            self.queue.wake(_READABLE)
        return child

    def has_sent(self) -> None:
        """The client has sent something, or all the time is over: it can be accepted."""
        listener, self.listener = self.listener, None
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if listener is not None and self in listener.deferred:
            listener.deferred.remove(self)
            listener.waiting.append(self)
            listener.queue.wake(_READABLE)

    def _establish(self, other: TcpSocket) -> None:
        for end, peer in ((self, other), (other, self)):
            end.peer = peer
            end.state = TCP_ESTABLISHED
            if (SOL_SOCKET, SO_SNDBUF) not in end.options:
                end.send_buffer_bytes = _TUNED_SEND_BYTES
        self.queue.wake(_WRITABLE)

    def _disconnect(self) -> None:
        """As tcp_disconnect: whatever there was is reset, and it can connect again."""
        if self.state == TCP_LISTEN:
            self._stop_listening()
        elif self.state == TCP_SYN_SENT:
            self.error = ECONNRESET
            self._finish()
        elif self.state != TCP_CLOSE:
            self.reset()
            self.error = ECONNRESET
        self.is_connecting = self.is_done = False
        self._drop_all()
        if not self.locks & BOUND_ADDRESS:
            self.local_ip = ANY4 if self.family == AF_INET else ANY6
        if not self.locks & BOUND_PORT:
            self.leave_port()
        self.remote_ip, self.remote_port = (ANY4 if self.family == AF_INET else ANY6), 0
        self.is_shut = 0

    def peer_name(self) -> bytes:
        """Errors: ENOTCONN."""
        if self.state in (TCP_CLOSE, TCP_SYN_SENT, TCP_LISTEN):
            raise SyscallError(ENOTCONN)
        return super().peer_name()

    # Ends

    def shutdown(self, how: int) -> None:
        """Errors: EINVAL, ENOTCONN."""
        if how not in (SHUT_RD, SHUT_WR, SHUT_RDWR):
            raise SyscallError(EINVAL)
        halves = how + 1
        if self.state == TCP_LISTEN:
            if halves & RCV_SHUTDOWN:
                self._stop_listening()
                if not self.locks & BOUND_PORT:
                    self.leave_port()
            return
        if self.state == TCP_SYN_SENT:
            self._disconnect()
            return
        self.is_shut |= halves
        if self.state == TCP_CLOSE:
            self.queue.wake()
            raise SyscallError(ENOTCONN)
        if halves & SEND_SHUTDOWN and self.state in _TALKING:
            self._send_fin()
        self.queue.wake()

    def close(self) -> None:
        """What was not read is answered with a reset, and so is all with a linger of 0; else the end is sent.

        Deviation: it does not wait for SO_LINGER's time; what was sent still arrives.
        """
        self.is_closed = True
        if self.state == TCP_LISTEN:
            self._stop_listening()
        elif self.state in (*_TALKING, *_ENDING):
            is_unread = self.n_bytes > self.hidden
            self.is_shut = _BOTH
            if is_unread or self.options.get((SOL_SOCKET, SO_LINGER), -1) == 0:
                self.reset()
            elif self.state in _TALKING:
                self._send_fin()
            if self.state == TCP_FIN_WAIT2:
                self._alarm = self.network.after(_FIN_TIMEOUT_NS, self._finish)
        if self.state in (TCP_CLOSE, TCP_SYN_SENT):
            self._finish()

    def reset(self) -> None:
        """Send a reset: this end is over, and the peer is told."""
        peer = self.peer
        self._finish()
        if peer is not None and peer is not self:
            peer.receive_reset()

    def receive_reset(self) -> None:
        """As tcp_reset."""
        self.error = EPIPE if self.state == TCP_CLOSE_WAIT else ECONNRESET
        self._finish()

    def _finish(self) -> None:
        """It is over: nobody finds it by its ends, and its port is free unless bind(2) took it (tcp_done)."""
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        peer, self.peer = self.peer, None
        self.state = TCP_CLOSE
        self.is_shut = _BOTH
        if self.remote_port:
            key = (self.local_ip, self.local_port), (self.remote_ip, self.remote_port)
            if self.inet.connections.get(key) is self:
                del self.inet.connections[key]
        if self.is_closed or not self.locks & BOUND_PORT:
            self.leave_port()
        if self.is_closed:
            self._drop_all()
        if self.listener is not None:
            self.has_sent()
        self.queue.wake()
        if peer is not None and peer.is_starved:
            peer.queue.wake()

    def _drop_all(self) -> None:
        self.consumed += self.n_bytes
        self.inbox.clear()
        self._start = self.n_bytes = self.hidden = self.urgent_state = 0
        self.fin_is_waiting = False

    def _send_fin(self) -> None:
        self.uncork()
        self.state = TCP_FIN_WAIT1 if self.state == TCP_ESTABLISHED else TCP_LAST_ACK
        peer = self.peer
        if peer is None:
            return
        if peer.n_bytes > peer.window and not peer.is_closed:
            peer.fin_is_waiting = True
        else:
            peer.receive_fin()

    def receive_fin(self) -> None:
        """The peer sends no more. The acknowledgement is back at once."""
        self.fin_is_waiting = False
        self.is_done = True
        self.is_shut |= RCV_SHUTDOWN
        peer = self.peer
        if peer is not None:
            peer._fin_acknowledged()  # noqa: SLF001
        if self.state == TCP_ESTABLISHED:
            self.state = TCP_CLOSE_WAIT
        elif self.state == TCP_FIN_WAIT1:
            self.state = TCP_CLOSING
        elif self.state == TCP_FIN_WAIT2:
            self._wait_after()
        if self.listener is not None:
            self.has_sent()
        self.queue.wake()

    def _fin_acknowledged(self) -> None:
        if self.state == TCP_FIN_WAIT1:
            self.state = TCP_FIN_WAIT2
        elif self.state == TCP_CLOSING:
            self._wait_after()
        elif self.state == TCP_LAST_ACK:
            self._finish()

    def _wait_after(self) -> None:
        """TIME_WAIT: not of the socket any more, but of its addresses."""
        inet = self.inet
        entry = TimeWait(self, self.network.monotonic_ns())
        key = entry.local, entry.remote
        self._finish()
        if len(inet.time_waits) < MAX_TIME_WAITS:
            inet.time_waits.pop(key, None)
            inet.time_waits[key] = entry
            inet.tcp_ports.add(entry.local[1], entry)

    # Sending

    def send(self, slices: list[memoryview], flags: int, status: int, extra: Outgoing | None = None) -> int:
        """What there is room for; an address is not looked at. Errors: EPIPE, ECONNRESET, EAGAIN."""
        if self.state != TCP_ESTABLISHED or flags & MSG_FASTOPEN:
            self._await_connection(flags, status, extra)
        if self.error or self.is_shut & SEND_SHUTDOWN:
            raise SyscallError(self.take_error() or EPIPE)
        if extra is not None and extra.control:
            _check_control(extra)
        peer = self.peer
        assert peer is not None  # noqa: S101  # it is connected
        wanted = len(slices[0]) if len(slices) == 1 else sum(map(len, slices))
        room = self.send_buffer_bytes
        if peer.n_bytes > peer.window:
            room -= peer.n_bytes - peer.window
        is_cut = room < wanted
        if is_cut:
            self.is_starved = True
            if room <= 0 and wanted:
                raise self.until_writable(status)
            slices = first_bytes(slices, room)
            wanted = room
        if not wanted:
            return 0
        n = wanted
        if peer.is_closed:  # it answers with a reset
            peer.reset()
            return n
        peer.append(slices, n)
        if flags & MSG_OOB and not is_cut:
            peer.receive_urgent()
        if self.is_corked or flags & MSG_MORE:
            self._cork(peer, n)
        elif peer.hidden:
            self.uncork()
        else:
            peer.queue.wake(_READABLE)
        if peer.listener is not None:
            peer.has_sent()
        return n

    def _await_connection(self, flags: int, status: int, extra: Outgoing | None) -> None:
        """sk_stream_wait_connect, and the connect of MSG_FASTOPEN. Errors: EPIPE, EAGAIN, those of connect."""
        if flags & MSG_FASTOPEN and extra is not None and extra.name and self.state == TCP_CLOSE:
            assert extra.fs is not None  # noqa: S101
            self.connect(extra.name, status, extra.fs)
        elif flags & MSG_FASTOPEN and self.state in _TALKING:
            raise SyscallError(EISCONN)
        if self.error:
            raise SyscallError(self.take_error())
        if self.state == TCP_SYN_SENT:
            raise self.until_writable(status)
        if self.state not in _TALKING:
            raise SyscallError(EPIPE)

    def append(self, slices: list[memoryview], n_bytes: int) -> None:
        """Take what the peer sends; little pieces are put together."""
        inbox = self.inbox
        if n_bytes < _SMALL_BYTES and inbox and len(inbox[-1]) < _COALESCED_BYTES:
            tail = inbox[-1]
            if type(tail) is not bytearray:
                tail = inbox[-1] = bytearray(tail)
            for piece in slices:
                tail += piece
        else:
            inbox.append(slices[0].tobytes() if len(slices) == 1 else b"".join(slices))
        self.n_bytes += n_bytes

    def _cork(self, peer: TcpSocket, n_bytes: int) -> None:
        """Only full segments go, and the rest after 200 ms at the latest."""
        before = peer.n_bytes - n_bytes - peer.hidden
        peer.hidden = (peer.hidden + n_bytes) % MAX_SEGMENT_BYTES
        if peer.n_bytes - peer.hidden > before:
            peer.queue.wake(_READABLE)
        if self._cork_alarm is None and peer.hidden:
            self._cork_alarm = self.network.after(_CORK_NS, self.uncork)

    def uncork(self) -> None:
        """Let go what was held back."""
        if self._cork_alarm is not None:
            self._cork_alarm.cancel()
            self._cork_alarm = None
        peer = self.peer
        if peer is not None and peer.hidden:
            peer.hidden = 0
            peer.queue.wake(_READABLE)

    def send_nothing(self, n_bytes: int, status: int, extra: Outgoing | None = None) -> None:
        """The connection and the room."""
        self._await_connection(0, status, None)
        if self.error or self.is_shut & SEND_SHUTDOWN:
            raise SyscallError(self.take_error() or EPIPE)
        if self.peer is not None and self.peer.n_bytes - self.peer.window >= self.send_buffer_bytes:
            raise self.until_writable(status)

    # Receiving

    def await_bytes(self) -> None:
        """Nothing yet: the buffer is not looked at."""
        if not self.n_bytes and self.state == TCP_ESTABLISHED and not self.is_shut:
            self._nothing(self.flags)

    def receive(self, slices: list[memoryview], flags: int, status: int, extra: Incoming | None = None) -> int:
        """What there is. Errors: ENOTCONN, ECONNRESET, EAGAIN; EINVAL no urgent byte."""
        inbox = self.inbox
        if not flags and len(slices) == 1 and inbox and not self.urgent_state and not self.hidden:
            first, room = inbox[0], len(slices[0])
            size = len(first)
            if not self._start and size <= room and (len(inbox) == 1 or size == room) and size >= self.low_water_bytes:
                slices[0][:size] = first
                inbox.popleft()
                self.n_bytes -= size
                self.consumed += size
                peer = self.peer
                if peer is not None and (peer.is_starved or self.fin_is_waiting):
                    self._has_room()
                return size
        if flags & (MSG_OOB | MSG_ERRQUEUE):
            if flags & MSG_ERRQUEUE:
                raise SyscallError(EAGAIN)
            return self._receive_urgent_byte(slices, flags, extra)
        if self.state == TCP_LISTEN:
            raise SyscallError(ENOTCONN)
        wanted = sum(map(len, slices))
        available = self.n_bytes - self.hidden
        if available < min(self.low_water_bytes, wanted) and not self._is_over():
            blocked = self.until_readable(status)
            if isinstance(blocked, WouldBlock):
                raise blocked
        peeking = bool(flags & MSG_PEEK)
        skip, limit = self._up_to_urgent(available, peeking=peeking)
        if limit <= 0:
            if skip and not peeking:
                self._skip_urgent()
            return self._nothing(status)
        n = min(wanted, limit)
        if peeking:
            self._peek(slices, skip, n, discarding=bool(flags & MSG_TRUNC))
            return n
        if skip:
            self._skip_urgent()
        self._take([] if flags & MSG_TRUNC else slices, n)
        if self.urgent_state and self.consumed > self.urgent_at:
            self.urgent_state = 0
        if extra is not None and self.urgent_state and self.consumed == self.urgent_at:
            extra.is_cut = True
        if self.peer is not None:
            self._has_room()
        return n

    def _is_over(self) -> bool:
        return bool(self.is_shut & RCV_SHUTDOWN or self.error or self.state == TCP_CLOSE)

    def _nothing(self, status: int) -> int:
        """0 at the end of the stream. Errors: what came in its place, ENOTCONN, EAGAIN."""
        if self.is_done:
            return 0
        if self.error:
            raise SyscallError(self.take_error())
        if self.is_shut & RCV_SHUTDOWN and (self.state != TCP_CLOSE or self.remote_port or self.is_shut):
            return 0
        if self.state == TCP_CLOSE:
            raise SyscallError(ENOTCONN)
        raise self.until_readable(status)

    def _take(self, slices: list[memoryview], n_bytes: int) -> None:
        """Move bytes out; without slices they are thrown away."""
        inbox = self.inbox
        self.n_bytes -= n_bytes
        self.consumed += n_bytes
        done = 0
        while done < n_bytes:
            first, start = inbox[0], self._start
            n = min(len(first) - start, n_bytes - done)
            if slices:
                scatter(without_bytes(slices, done) if done else slices, memoryview(first)[start : start + n])
            if start + n == len(first):
                inbox.popleft()
                self._start = 0
            else:
                self._start = start + n
            done += n

    def _peek(self, slices: list[memoryview], skip: int, n_bytes: int, *, discarding: bool) -> None:
        skip += self._start
        done = 0
        for piece in self.inbox if not discarding else ():
            if skip >= len(piece):
                skip -= len(piece)
                continue
            n = min(len(piece) - skip, n_bytes - done)
            scatter(without_bytes(slices, done), memoryview(piece)[skip : skip + n])
            done += n
            skip = 0
            if done == n_bytes:
                break

    def _has_room(self) -> None:
        """The peer may send again, or its end comes now."""
        peer = self.peer
        assert peer is not None  # noqa: S101
        unsent = self.n_bytes - self.window
        if self.fin_is_waiting and unsent <= 0:
            self.receive_fin()
        elif peer.is_starved and unsent * 3 <= peer.send_buffer_bytes * 2:
            peer.is_starved = False
            peer.queue.wake(_WRITABLE)

    # The urgent byte

    def receive_urgent(self) -> None:
        """The byte that was just appended is urgent."""
        self.urgent_at = self.consumed + self.n_bytes - 1
        self.urgent_byte = self.inbox[-1][-1]
        self.urgent_state = _URGENT
        self.network.urgent(self)
        self.queue.wake(POLLPRI)

    def _is_inline(self) -> bool:
        return bool(self.options.get((SOL_SOCKET, SO_OOBINLINE)))

    def _up_to_urgent(self, available: int, *, peeking: bool) -> tuple[int, int]:
        """(1 if the next byte is the urgent one and not for reading, how many bytes can be read)."""
        if not self.urgent_state:
            return 0, available
        ahead = self.urgent_at - self.consumed
        if ahead == 0:
            return (0, available) if self._is_inline() else (1, available - 1)
        return 0, min(ahead, available) if ahead > 0 else available

    def _skip_urgent(self) -> None:
        self._take([], 1)
        self.urgent_state = 0

    def _receive_urgent_byte(self, slices: list[memoryview], flags: int, extra: Incoming | None) -> int:
        """As tcp_recv_urg."""
        if self.state == TCP_LISTEN:
            raise SyscallError(ENOTCONN)
        if self._is_inline() or self.urgent_state != _URGENT:
            raise SyscallError(EINVAL)
        if self.state == TCP_CLOSE and not self.is_done:
            raise SyscallError(ENOTCONN)
        if not flags & MSG_PEEK:
            self.urgent_state = _URGENT_READ
        if extra is not None:
            extra.flags |= MSG_OOB
        if not any(map(len, slices)):
            if extra is not None:
                extra.flags |= MSG_TRUNC
            return 0
        if not flags & MSG_TRUNC:
            scatter(slices, bytes((self.urgent_byte,)))
        return 1

    # The rest

    def readable_bytes(self) -> int:
        """Up to the urgent byte."""
        return max(self._up_to_urgent(self.n_bytes - self.hidden, peeking=True)[1], 0)

    def poll(self) -> int:
        """See net/ipv4/tcp.c, tcp_poll."""
        state, is_shut = self.state, self.is_shut
        if state == TCP_LISTEN:
            return _READABLE if self.waiting else 0
        events = 0
        if is_shut == _BOTH or state == TCP_CLOSE:
            events |= POLLHUP
        if is_shut & RCV_SHUTDOWN:
            events |= _READABLE | POLLRDHUP
        if state != TCP_SYN_SENT:
            target = self.low_water_bytes
            if self.urgent_state and self.urgent_at == self.consumed and not self._is_inline():
                target += 1
            if self.n_bytes - self.hidden >= target:
                events |= _READABLE
            if is_shut & SEND_SHUTDOWN or self._has_much_room():
                events |= _WRITABLE
            if self.urgent_state == _URGENT:
                events |= POLLPRI
        if self.error:
            events |= POLLERR
        return events

    def _has_much_room(self) -> bool:
        """A third of the send buffer is free (sk_stream_is_writeable)."""
        peer = self.peer
        if peer is None or (peer.n_bytes - peer.window) * 3 <= self.send_buffer_bytes * 2:
            return True
        self.is_starved = True
        return False

    def ioctl(self, request: int, data: bytes) -> bytes | None:
        """SIOCINQ, SIOCOUTQ, SIOCOUTQNSD, SIOCATMARK. Errors: EINVAL of a listening socket."""
        if request not in (FIONREAD, TIOCOUTQ, SIOCOUTQNSD, SIOCATMARK):
            return None
        if request == SIOCATMARK:
            return int(bool(self.urgent_state) and self.urgent_at == self.consumed).to_bytes(4, "little")
        if self.state == TCP_LISTEN:
            raise SyscallError(EINVAL)
        if request == FIONREAD:
            ahead = self.urgent_at - self.consumed
            is_cut = self.urgent_state and not self._is_inline() and 0 <= ahead < self.n_bytes - self.hidden
            n = ahead if is_cut else min(self.n_bytes - self.hidden, max(self.window, 1))
            return n.to_bytes(4, "little")
        peer = self.peer
        unsent = 0 if peer is None else max(peer.n_bytes - peer.window, peer.hidden, 0)
        return unsent.to_bytes(4, "little")

    def set_low_water(self, n_bytes: int) -> None:
        """The window grows with it (tcp_set_rcvlowat)."""
        limit = self.receive_buffer_bytes >> 1 if (SOL_SOCKET, SO_RCVBUF) in self.options else 3145728
        self.low_water_bytes = min(n_bytes, limit) or 1
        self.window = max(self.window, self.low_water_bytes)

    def get_option(self, level: int, name: int, n_bytes: int) -> bytes:
        """SOL_TCP too."""
        if level == SOL_TCP:
            from pyuk.net.tcp_options import get_tcp_option  # noqa: PLC0415

            return get_tcp_option(self, name)
        return super().get_option(level, name, n_bytes)

    def set_option(self, level: int, name: int, n_bytes: int, read: Read) -> None:
        """SOL_TCP too."""
        if level == SOL_TCP:
            from pyuk.net.tcp_options import set_tcp_option  # noqa: PLC0415

            set_tcp_option(self, name, n_bytes, read)
            if name == TCP_CORK:
                self.is_corked = bool(self.options[SOL_TCP, TCP_CORK])
            if name in (TCP_CORK, TCP_NODELAY) and not self.is_corked:
                self.uncork()
            return
        super().set_option(level, name, n_bytes, read)
        if level == SOL_SOCKET and name == SO_RCVBUF:
            self.window = max(self.receive_buffer_bytes >> 1, 1)


def _check_control(extra: Outgoing) -> None:
    """A stream has no control messages but a few of SOL_SOCKET (sock_cmsg_send)."""
    for level, kind, _data in extra.control:
        if level == SOL_SOCKET and kind not in (1, 2, 36, 37, 61):  # SCM_RIGHTS and the like are passed over
            raise SyscallError(EINVAL)
