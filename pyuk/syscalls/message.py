"""struct msghdr and its control messages as sendmsg(2) and recvmsg(2) take them.

Source: Linux 6.1 net/socket.c, copy_msghdr_from_user; net/core/scm.c.
"""

from __future__ import annotations

import struct

from pyuk.abi.capability import CAP_SETGID, CAP_SETUID, CAP_SYS_ADMIN
from pyuk.abi.errno import EBADF, EINVAL, EMSGSIZE, ENOBUFS, EPERM, ESRCH, SyscallError
from pyuk.abi.resource import RLIMIT_NOFILE
from pyuk.abi.socket import (
    AF_UNIX,
    MSG_CMSG_CLOEXEC,
    MSG_CMSG_COMPAT,
    MSG_CTRUNC,
    SCM_CREDENTIALS,
    SCM_MAX_FD,
    SCM_RIGHTS,
    SIZEOF_SOCKADDR_STORAGE,
    SOL_SOCKET,
)  # fmt: skip
from pyuk.abi.unistd import UIO_MAXIOV
from pyuk.net.message import Incoming, Outgoing
from pyuk.syscalls.transfer import user_segments

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.abi.types import UserAddr
    from pyuk.kernel.task import Task
    from pyuk.net.socket import Socket
    from pyuk.syscalls.transfer import Segments

MSGHDR_BYTES = 56
_MSGHDR = struct.Struct("<QixxxxQQQQixxxx")
_CMSGHDR = struct.Struct("<Qii")
_UCRED = struct.Struct("<iII")
_NAMELEN_AT, _CONTROLLEN_AT, _FLAGS_AT = 8, 40, 48
_INT_MAX = 0x7FFF_FFFF
_OPTMEM_MAX = 20480  # net.core.optmem_max


class MessageHeader:
    """A struct msghdr that has been read, and where it lies."""

    __slots__ = ("address", "control_at", "control_bytes", "flags", "name_at", "name_bytes", "segments")

    def __init__(self, task: Task, address: int) -> None:
        """Errors: EFAULT; EINVAL a negative length; EMSGSIZE too many segments."""
        self.address = address
        data = task.mem.read(address, MSGHDR_BYTES)
        self.name_at, name_bytes, vector, n_segments, self.control_at, self.control_bytes, self.flags = _MSGHDR.unpack(
            data
        )
        if not self.name_at:
            name_bytes = 0
        if name_bytes < 0:
            raise SyscallError(EINVAL)
        self.name_bytes = min(name_bytes, SIZEOF_SOCKADDR_STORAGE)
        self._read_name_first(task)
        if n_segments > UIO_MAXIOV:
            raise SyscallError(EMSGSIZE)
        self.segments: Segments = user_segments(task, vector, n_segments)

    def _read_name_first(self, task: Task) -> None:
        """Nothing: who receives has no name to read."""


class SentHeader(MessageHeader):
    """One that is sent: with the name's bytes."""

    __slots__ = ("name",)

    def _read_name_first(self, task: Task) -> None:
        self.name = task.mem.read(self.name_at, self.name_bytes) if self.name_bytes else b""

    def outgoing(self, task: Task, socket: Socket) -> Outgoing:
        """Its name and control messages. Errors: ENOBUFS too many of them, EFAULT, EINVAL, EBADF, EPERM, ESRCH."""
        extra = Outgoing(self.name, task.fs)
        if self.control_bytes:
            if self.control_bytes > _INT_MAX or self.control_bytes > _OPTMEM_MAX:
                raise SyscallError(ENOBUFS)
            control = task.mem.read(self.control_at, self.control_bytes)
            if socket.family == AF_UNIX:
                try:
                    _read_unix_control(task, control, extra)
                except SyscallError:
                    extra.release()
                    raise
            else:
                extra.control = list(_control_messages(control))
        return extra


def _control_messages(control: bytes) -> list[tuple[int, int, bytes]]:
    """(level, type, data) of each. Errors: EINVAL a length that cannot be (CMSG_OK)."""
    found = []
    at, end = 0, len(control)
    while at + _CMSGHDR.size <= end:
        length, level, kind = _CMSGHDR.unpack_from(control, at)
        if not _CMSGHDR.size <= length <= end - at:
            raise SyscallError(EINVAL)
        found.append((level, kind, control[at + _CMSGHDR.size : at + length]))
        at += length + 7 & -8
    return found


def _read_unix_control(task: Task, control: bytes, extra: Outgoing) -> None:
    """__scm_send."""
    for level, kind, data in _control_messages(control):
        if level != SOL_SOCKET:
            continue
        if kind == SCM_RIGHTS:
            _read_rights(task, data, extra)
        elif kind == SCM_CREDENTIALS and len(data) == _UCRED.size:
            extra.credentials = _checked_credentials(task, *_UCRED.unpack(data))
        else:
            raise SyscallError(EINVAL)


def _read_rights(task: Task, data: bytes, extra: Outgoing) -> None:
    fds = struct.unpack(f"<{len(data) // 4}i", data[: len(data) & -4])
    if len(fds) + len(extra.rights) > SCM_MAX_FD:
        raise SyscallError(EINVAL)
    for fd in fds:
        if fd < 0:
            raise SyscallError(EBADF)
        extra.rights.append(task.files.get_any(fd).hold())
    extra.max_in_flight = task.limits.soft[RLIMIT_NOFILE]


def _checked_credentials(task: Task, pid: int, uid: int, gid: int) -> tuple[int, int, int]:
    """scm_check_creds: one's own, or anything with the capability."""
    creds = task.creds
    if uid == 0xFFFF_FFFF or gid == 0xFFFF_FFFF:  # noqa: PLR2004  # (uid_t)-1
        raise SyscallError(EINVAL)
    if (
        (pid != task.process.pid and not creds.has(CAP_SYS_ADMIN))
        or (uid not in (creds.uid, creds.euid, creds.suid) and not creds.has(CAP_SETUID))
        or (gid not in (creds.gid, creds.egid, creds.sgid) and not creds.has(CAP_SETGID))
    ):
        raise SyscallError(EPERM)
    if pid not in task.kernel.processes and pid not in task.kernel.tasks:
        raise SyscallError(ESRCH)
    return pid, uid, gid


class ControlWriter:
    """Puts control messages into a receiver's buffer, as far as it goes (net/core/scm.c, put_cmsg)."""

    __slots__ = ("_at", "_left", "_start", "_task", "flags")

    def __init__(self, task: Task, at: int, n_bytes: int) -> None:
        self._task = task
        self._start = self._at = at
        self._left = n_bytes if at else 0
        self.flags = 0
        """MSG_CTRUNC where something did not fit."""

    @property
    def n_written(self) -> int:
        """What msg_controllen becomes."""
        return self._at - self._start

    def put(self, level: int, kind: int, data: bytes) -> None:
        """One message; its end is cut."""
        if self._left < _CMSGHDR.size:
            self.flags |= MSG_CTRUNC
            return
        length = _CMSGHDR.size + len(data)
        if length > self._left:
            self.flags |= MSG_CTRUNC
            length = self._left
        if self._write(self._at, (_CMSGHDR.pack(length, level, kind) + data)[:length]):
            self._advance(len(data))

    def _write(self, at: int, data: bytes) -> bool:
        """A bad buffer is nobody's error."""
        try:
            self._task.mem.write(at, data)
        except SyscallError:
            return False
        return True

    def _advance(self, n_bytes: int) -> None:
        step = min(_CMSGHDR.size + (n_bytes + 7 & -8), self._left)
        self._at += step
        self._left -= step

    def put_rights(self, incoming: Incoming, *, cloexec: bool) -> None:
        """Give the task as many of the files as there is room for; the others are closed (scm_detach_fds)."""
        task, rights = self._task, incoming.rights
        n_max = (self._left - _CMSGHDR.size) // 4 if self._left > _CMSGHDR.size else 0
        n_given = 0
        for file in rights[:n_max]:
            try:
                fd = task.files.install(file, cloexec=cloexec, n_max=task.limits.soft[RLIMIT_NOFILE])
            except SyscallError:
                break
            if not self._write(self._at + _CMSGHDR.size + 4 * n_given, fd.to_bytes(4, "little")):
                file.hold()
                task.files.close_quietly(fd)
                break
            n_given += 1
        incoming.rights = rights[n_given:]
        if n_given and self._write(self._at, _CMSGHDR.pack(_CMSGHDR.size + 4 * n_given, SOL_SOCKET, SCM_RIGHTS)):
            self._advance(4 * n_given)
        if n_given < len(rights):
            self.flags |= MSG_CTRUNC
        incoming.release()


def tell_message(task: Task, header: MessageHeader, incoming: Incoming, flags: int) -> None:
    """Write what a receive found beside the bytes: name, control messages, msg_flags. Errors: EFAULT."""
    writer = ControlWriter(task, header.control_at, header.control_bytes)
    for message in incoming.control:
        writer.put(*message)
    if incoming.credentials is not None:
        pid, uid, gid = incoming.credentials
        writer.put(SOL_SOCKET, SCM_CREDENTIALS, _UCRED.pack(pid, uid & 0xFFFF_FFFF, gid & 0xFFFF_FFFF))
    if incoming.rights:
        writer.put_rights(incoming, cloexec=bool(flags & MSG_CMSG_CLOEXEC))
    if header.name_at:
        tell_address(task, incoming.name, header.name_at, header.address + _NAMELEN_AT)
    told = incoming.flags | writer.flags | flags & MSG_CMSG_CLOEXEC
    task.mem.write_u32(header.address + _FLAGS_AT, told & ~MSG_CMSG_COMPAT)
    task.mem.write_u64(header.address + _CONTROLLEN_AT, writer.n_written)


def tell_address(task: Task, name: bytes, address: UserAddr | int, length_at: UserAddr | int) -> None:
    """Write a struct sockaddr, cut, and its whole length (net/socket.c, move_addr_to_user). Errors: EINVAL, EFAULT."""
    length = task.mem.read_i32(length_at)
    length = min(length, len(name))
    if length < 0:
        raise SyscallError(EINVAL)
    if length:
        task.mem.write(address, name[:length])
    task.mem.write_u32(length_at, len(name))


def read_address(task: Task, address: UserAddr | int, n_bytes: int) -> bytes:
    """A struct sockaddr (move_addr_to_kernel). Errors: EINVAL its length, EFAULT."""
    if not 0 <= n_bytes <= SIZEOF_SOCKADDR_STORAGE:
        raise SyscallError(EINVAL)
    return task.mem.read(address, n_bytes) if n_bytes else b""
