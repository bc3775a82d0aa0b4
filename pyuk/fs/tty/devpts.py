"""/dev/pts: a node for each terminal (Linux fs/devpts/inode.c), and what opening a terminal's device node does."""

from __future__ import annotations

from pyuk.abi.errno import EACCES, EIO, ENODEV, ENOSPC, ENXIO, EPERM, SyscallError
from pyuk.abi.fcntl import O_CREAT, O_NOCTTY
from pyuk.abi.stat import S_IFCHR
from pyuk.fs.devices import Device, make_dev
from pyuk.fs.stat import StatFs
from pyuk.fs.tmpfs import TmpFs
from pyuk.fs.tmpnode import Inode, Volume
from pyuk.fs.tty import jobs
from pyuk.fs.tty.file import TtyFile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.fs.devices import DeviceTable
    from pyuk.fs.file import OpenFile
    from pyuk.fs.tmpnode import Entry
    from pyuk.fs.tty.device import Tty
    from pyuk.fs.tty.host import HostTerminals
    from pyuk.fs.tty.jobs import Sessions

TTY_GID = 5  # Debian's group tty
AUX_MAJOR, PTS_MAJOR = 5, 136  # include/uapi/linux/major.h: TTYAUX_MAJOR, UNIX98_PTY_SLAVE_MAJOR
TTY_MINOR, CONSOLE_MINOR, PTMX_MINOR = 0, 1, 2
_DEVPTS_MAGIC = 0x1CD1
_PTS_MODE = 0o620
_MAX_PTYS = 4096 - 1024  # kernel.pty.max less kernel.pty.reserve, which is for the first devpts


class PtsVolume(Volume):
    """What statfs(2) says of devpts."""

    __slots__ = ()

    def statfs(self) -> StatFs:
        """simple_statfs."""
        return StatFs(_DEVPTS_MAGIC)


class DevPts(TmpFs):
    """The file system. Names come with terminals and go with them; nobody else makes or removes any.

    Invariant: `ttys` has the terminal of each number that is a name here.
    """

    __slots__ = ("devices", "sessions", "ttys")

    def __init__(self, volume: Volume, devices: DeviceTable, sessions: Sessions) -> None:
        super().__init__(volume, mode=0o755, devices=devices)
        self.devices = devices
        self.sessions = sessions
        self.ttys: dict[int, Tty] = {}
        self.root.add(b"ptmx", Inode(volume, S_IFCHR, 0, 0, make_dev(AUX_MAJOR, PTMX_MINOR)))

    def free_index(self) -> int:
        """The lowest number that is free. Errors: ENOSPC."""
        index = 0
        while index in self.ttys:
            index += 1
        if index >= _MAX_PTYS:
            raise SyscallError(ENOSPC)
        return index

    def add(self, index: int, *, mode: int, uid: int, gid: int) -> Entry:
        """The name of a terminal; who makes that puts it into `ttys`."""
        inode = Inode(self.volume, S_IFCHR | mode, uid, gid, make_dev(PTS_MAJOR, index))
        inode.st_ino = index + 3
        self.devices.register(Device(b"", S_IFCHR, (PTS_MAJOR, index), self._open_terminal, is_terminal=True))
        return self.root.add(b"%d" % index, inode)

    def remove(self, index: int) -> None:
        """The terminal is gone."""
        del self.ttys[index]
        self.root.remove(self.root.children[b"%d" % index])

    def _open_terminal(self, entry: Entry, flags: int) -> OpenFile:
        """By any node with its number. Errors: EIO there is no such terminal, or it is locked."""
        rdev = entry.inode.st_rdev
        tty = self.ttys.get(rdev & 0xFF | rdev >> 12 & ~0xFF)
        if tty is None:
            raise SyscallError(EIO)
        return tty.open(entry, flags)

    def open_master(self, entry: Entry | None, flags: int) -> TtyFile:
        """A new pseudoterminal. Errors: ENOSPC."""
        from pyuk.fs.tty.pty import Master  # noqa: PLC0415  # the line discipline: few programs make terminals

        index = self.free_index()
        uid, _ = self.sessions.owner()
        slave_entry = self.add(index, mode=_PTS_MODE, uid=uid, gid=TTY_GID)
        master = Master(self.sessions, index, slave_entry, lambda: self.remove(index))
        self.ttys[index] = master.link
        return TtyFile(master, entry or slave_entry, flags)

    # What nobody may do here

    def open(self, at: OpenFile | None, path: bytes, flags: int, mode: int, umask: int) -> OpenFile:
        """See FileSystem. Nothing is created."""
        if flags & O_CREAT and b"/" not in path and path not in self.root.children:
            raise SyscallError(EACCES)
        return super().open(at, path, flags, mode, umask)

    def mkdir(self, at: OpenFile | None, path: bytes, mode: int, umask: int) -> None:
        """See FileSystem."""
        raise SyscallError(EPERM)

    def mknod(self, at: OpenFile | None, path: bytes, mode: int, device: tuple[int, int], umask: int) -> None:
        """See FileSystem."""
        raise SyscallError(EPERM)

    def symlink(self, at: OpenFile | None, path: bytes, target: bytes) -> None:
        """See FileSystem."""
        raise SyscallError(EPERM)

    def link_file(self, file: OpenFile, at: OpenFile | None, path: bytes) -> None:
        """See FileSystem."""
        raise SyscallError(EPERM)

    def link(self, at: OpenFile | None, path: bytes, to: OpenFile | None, new: bytes, *, follow: bool) -> None:
        """See FileSystem."""
        raise SyscallError(EPERM)

    def unlink(self, at: OpenFile | None, path: bytes) -> None:
        """See FileSystem."""
        raise SyscallError(EPERM)

    def rmdir(self, at: OpenFile | None, path: bytes) -> None:
        """See FileSystem."""
        raise SyscallError(EPERM)

    def rename(self, at: OpenFile | None, path: bytes, to: OpenFile | None, new: bytes, flags: int) -> None:
        """See FileSystem."""
        raise SyscallError(EPERM)


def open_tty(terminals: HostTerminals, entry: Entry, flags: int) -> OpenFile:
    """/dev/tty: the controlling terminal of the caller. Errors: ENXIO there is none."""
    caller = terminals.sessions.caller
    if caller.tty is None and terminals.is_own_session(caller.sid):
        host = terminals.find_controlling()
        if host is not None:
            jobs.share(host, caller.sid)
    if caller.tty is None:
        raise SyscallError(ENXIO)
    return caller.tty.open(entry, flags | O_NOCTTY)


def open_console(terminals: HostTerminals, entry: Entry, flags: int) -> OpenFile:
    """/dev/console: the terminal that pyuk was started at. Errors: ENODEV there is none."""
    host = terminals.find_controlling()
    if host is None:
        raise SyscallError(ENODEV)
    return host.open(entry, flags | O_NOCTTY)
