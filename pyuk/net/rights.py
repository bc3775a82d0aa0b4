"""Files on their way (SCM_RIGHTS of unix(7)): who has sent how many, and sockets that only they themselves hold.

A socket can be sent into its own queue, or two into each other's, and then closed: nobody can receive them any more.
Source: Linux 6.1 net/unix/garbage.c, net/unix/scm.c.
"""

from __future__ import annotations

from pyuk.abi.capability import CAP_SYS_ADMIN, CAP_SYS_RESOURCE
from pyuk.abi.errno import ETOOMANYREFS, SyscallError
from pyuk.net.unix import UnixConnecting, UnixSocket

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyuk.fs.file import OpenFile
    from pyuk.net.message import Outgoing
    from pyuk.net.unix import Message, UnixNames


def send_rights(names: UnixNames, message: Message, extra: Outgoing) -> None:
    """Put the files into the message. Errors: ETOOMANYREFS the user has more on their way than it may have open."""
    who = names.network.current()[1]
    n_sent = names.n_in_flight.get(who.uid, 0)
    is_limited = not who.has(CAP_SYS_RESOURCE) and not who.has(CAP_SYS_ADMIN)
    if extra.max_in_flight is not None and n_sent > extra.max_in_flight and is_limited:
        raise SyscallError(ETOOMANYREFS)
    message.rights, extra.rights = extra.rights, []
    message.user = who.uid
    names.n_in_flight[who.uid] = n_sent + len(message.rights)
    for file in message.rights:
        if isinstance(file, UnixSocket):
            names.in_flight[file] = names.in_flight.get(file, 0) + 1


def receive_rights(names: UnixNames, message: Message) -> list[OpenFile]:
    """Take the files out of the message: they are on their way no more, and the caller's to release."""
    rights, message.rights = message.rights, []
    left = names.n_in_flight[message.user] - len(rights)
    if left:
        names.n_in_flight[message.user] = left
    else:
        del names.n_in_flight[message.user]
    for file in rights:
        if isinstance(file, UnixSocket):
            names.in_flight[file] -= 1
            if not names.in_flight[file]:
                del names.in_flight[file]
    return rights


def peek_rights(message: Message) -> list[OpenFile]:
    """The same files once more."""
    return [file.hold() for file in message.rights]


def collect_cycles(names: UnixNames) -> None:
    """Close the sockets that nothing but each other's queues holds."""
    suspects = {socket: count for socket, count in names.in_flight.items() if socket.refs == count}
    if not suspects:
        return
    for socket in suspects:
        for inner in _sent_to(socket):
            if inner in suspects:
                suspects[inner] -= 1
    reached = [socket for socket, outside in suspects.items() if outside]
    while reached:
        socket = reached.pop()
        if suspects.pop(socket, None) is not None:
            reached += [inner for inner in _sent_to(socket) if inner in suspects]
    lost: list[OpenFile] = []
    for socket in suspects:
        for queue in _queues_of(socket):
            for message in queue:
                if message.rights:
                    lost += receive_rights(names, message)
    for file in lost:
        file.release()


def _queues_of(socket: UnixSocket) -> Iterator[list[Message]]:
    yield list(socket.inbox)
    if isinstance(socket, UnixConnecting):
        for child in socket.waiting:
            yield list(child.inbox)


def _sent_to(socket: UnixSocket) -> Iterator[UnixSocket]:
    for queue in _queues_of(socket):
        for message in queue:
            for file in message.rights:
                if isinstance(file, UnixSocket):
                    yield file
