"""The terminals of one kernel: /dev/pts, what /dev/tty and its like open, and those of the host's that guests have."""

from __future__ import annotations

from pyuk.abi.stat import S_IFCHR
from pyuk.fs.devices import Device
from pyuk.kernel.kernel import FIRST_PID

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from pyuk.fs.devices import DeviceTable
    from pyuk.fs.file import FdTable, OpenFile
    from pyuk.fs.hostfile import HostFile
    from pyuk.fs.tmpnode import Entry, Volume
    from pyuk.fs.tty.devpts import DevPts
    from pyuk.fs.tty.host import HostTerminals
    from pyuk.kernel.kernel import Kernel
    from pyuk.kernel.task import Process

_TTYAUX_MAJOR = 5  # include/uapi/linux/major.h
_TTY_GID = 5  # Debian's group tty


class Terminals:
    """What most programs never look at is made when one does."""

    __slots__ = ("_devices", "_devpts", "_host", "_kernel", "_make_volume")

    def __init__(
        self, kernel: Kernel, devices: Callable[[], DeviceTable], make_volume: Callable[[type[Volume]], Volume]
    ) -> None:
        """devices: the table of the kernel's devices. make_volume: a volume of a class, for /dev/pts."""
        self._kernel = kernel
        self._devices = devices
        self._make_volume = make_volume
        self._devpts: DevPts | None = None
        self._host: HostTerminals | None = None

    def register(self, table: DeviceTable) -> None:
        """The devices that are no terminal, and open one."""
        for name, mode, minor, opener, gid in (
            (b"tty", 0o666, 0, self._open_tty, _TTY_GID), (b"console", 0o600, 1, self._open_console, 0),
            (b"ptmx", 0o666, 2, self._open_ptmx, _TTY_GID),
        ):  # fmt: skip
            table.register(Device(name, S_IFCHR | mode, (_TTYAUX_MAJOR, minor), opener, gid, is_terminal=True))

    def _open_tty(self, entry: Entry, flags: int) -> OpenFile:
        from pyuk.fs.tty.devpts import open_tty  # noqa: PLC0415

        return open_tty(self._host_terminals(), entry, flags)

    def _open_console(self, entry: Entry, flags: int) -> OpenFile:
        from pyuk.fs.tty.devpts import open_console  # noqa: PLC0415

        return open_console(self._host_terminals(), entry, flags)

    def _open_ptmx(self, entry: Entry, flags: int) -> OpenFile:
        return self.devpts().open_master(entry, flags)

    def devpts(self) -> DevPts:
        """/dev/pts, one for all views."""
        if self._devpts is None:
            from pyuk.fs.tty.devpts import DevPts, PtsVolume  # noqa: PLC0415

            self._devpts = DevPts(self._make_volume(PtsVolume), self._devices(), self._kernel.sessions())
        return self._devpts

    # The host's

    def _host_terminals(self) -> HostTerminals:
        if self._host is None:
            from pyuk.fs.tty.host import HostTerminals  # noqa: PLC0415

            self._host = HostTerminals(self.devpts(), FIRST_PID)
        return self._host

    def attach(self, process: Process, files: FdTable, opened: dict[int, HostFile]) -> None:
        """A process begins a session; its descriptors of terminals become pyuk's own files."""
        self._host_terminals().attach(process, files, opened)

    def suspend(self) -> None:
        """They are as they were, until resume(): pyuk is about to be stopped."""
        if self._host is not None:
            self._host.suspend()

    def resume(self) -> None:
        """The guests' settings again."""
        if self._host is not None:
            self._host.resume()

    def leave(self) -> None:
        """All guests have ended: they are as they were."""
        host, self._host = self._host, None
        if host is not None:
            host.close()
