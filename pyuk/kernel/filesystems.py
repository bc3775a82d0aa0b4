"""The file systems that a view is made of (fs/view.py), with what each wants of the kernel."""

from __future__ import annotations

import os

from pyuk.fs.hostfs import HostFs
from pyuk.kernel.creds import Credentials

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.fs.devices import DeviceTable
    from pyuk.fs.filesystem import FileSystem
    from pyuk.fs.permission import Who
    from pyuk.fs.tmpfs import TmpFs
    from pyuk.fs.tmpnode import Volume
    from pyuk.kernel.kernel import Kernel
    from pyuk.kernel.terminals import Terminals

_FIRST_DEV = 0xFFF00000
"""st_dev of the first file system in memory: major 0 and a minor that no host comes to."""


class FileSystems:
    """fs.view.Makers for one kernel. In a with statement what is done is pyuk's own work, which may do everything."""

    __slots__ = ("_devices", "_host_order", "_is_setting_up", "_kernel", "_n_made", "_terminals")

    def __init__(self, kernel: Kernel, *, host_order: bool) -> None:
        """host_order: list the host's directories in its order, not sorted."""
        self._kernel = kernel
        self._host_order = host_order
        self._n_made = 0
        self._devices: DeviceTable | None = None
        self._is_setting_up = False
        self._terminals: Terminals | None = None

    def __enter__(self) -> None:
        self._is_setting_up = True

    def __exit__(self, *_error: object) -> None:
        self._is_setting_up = False

    def host(self, path: bytes) -> HostFs:
        """A directory or file of the host. Raises OSError."""
        fs = HostFs(path, host_order=self._host_order)
        fs.cache = self._kernel.cache
        fs.is_running = self._kernel.is_running
        return fs

    def tmpfs(self) -> TmpFs:
        """Guest RAM: half of it at most, as on Linux."""
        from pyuk.fs.tmpfs import TmpFs  # noqa: PLC0415  # until a path leads there

        n_most = self._kernel.machine.ram.n_frames // 2
        return TmpFs(self._volume(n_most), devices=self._device_table(), is_running=self._kernel.is_running)

    def overlay(self, lower: HostFs, upper: HostFs | None) -> FileSystem:
        """A host directory, with what is written going elsewhere: to another one, or to memory."""
        from pyuk.fs.overlay import OverlayFs  # noqa: PLC0415  # until a path leads there
        from pyuk.fs.overlayupper import HostUpper, MemoryUpper, Upper  # noqa: PLC0415
        from pyuk.fs.permission import ROOT  # noqa: PLC0415

        layer: Upper
        if upper is None:
            memory = self.tmpfs()
            memory.volume.creds = lambda: ROOT
            memory.volume.has_user_xattrs = True
            layer = MemoryUpper(memory)
        else:
            layer = HostUpper(upper)
        return OverlayFs(lower, layer, self._who, self._kernel.is_running)

    def proc(self) -> FileSystem:
        """The kernel's processes."""
        from pyuk.kernel.proc.root import make_proc  # noqa: PLC0415  # most programs never look at it

        return make_proc(self._kernel)

    def sysfs(self) -> FileSystem:
        """The machine."""
        from pyuk.kernel.proc.sysfs import make_sys  # noqa: PLC0415

        return make_sys(self._kernel)

    def dev(self) -> TmpFs:
        """The devices."""
        from pyuk.fs.devfs import make_devfs  # noqa: PLC0415

        return make_devfs(self._volume(0), self._device_table())

    def devpts(self) -> FileSystem:
        """The terminals."""
        return self.terminals.devpts()

    def _device_table(self) -> DeviceTable:
        """What device nodes open."""
        if self._devices is None:
            from pyuk.fs.devices import DeviceTable, memory_devices  # noqa: PLC0415

            self._devices = DeviceTable()
            for device in memory_devices(self._kernel.random.bytes):
                self._devices.register(device)
            self.terminals.register(self._devices)
        return self._devices

    @property
    def terminals(self) -> Terminals:
        """Those that guests have and make."""
        if self._terminals is None:
            from pyuk.kernel.terminals import Terminals  # noqa: PLC0415

            self._terminals = Terminals(
                self._kernel, self._device_table, lambda kind: self._volume(0, kind)
            )  # fmt: skip
        return self._terminals

    def suspend_terminals(self) -> None:
        """See Terminals.suspend."""
        if self._terminals is not None:
            self._terminals.suspend()

    def resume_terminals(self) -> None:
        """See Terminals.resume."""
        if self._terminals is not None:
            self._terminals.resume()

    def leave_terminals(self) -> None:
        """See Terminals.leave."""
        if self._terminals is not None:
            self._terminals.leave()

    def _volume(self, n_most: int, kind: type[Volume] | None = None) -> Volume:
        from pyuk.fs.tmpnode import Volume  # noqa: PLC0415

        self._n_made += 1
        kernel = self._kernel
        return (kind or Volume)(
            kernel.cache, _FIRST_DEV + self._n_made, self._who, kernel.clock.realtime_ns, max_pages=n_most,
            max_inodes=n_most,
        )  # fmt: skip

    def _who(self) -> Who:
        """Who asks: the current task, or who runs pyuk while there is none."""
        if self._is_setting_up:
            from pyuk.fs.permission import ROOT  # noqa: PLC0415

            return ROOT
        if self._kernel.tasks:
            return self._kernel.current.creds
        return Credentials(os.getuid(), os.getgid(), os.geteuid(), os.getegid(), os.getgroups())
