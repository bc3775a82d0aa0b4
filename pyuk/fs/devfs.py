"""/dev: a tmpfs with a node for each device, as devtmpfs and udev leave it on Debian."""

from __future__ import annotations

from pyuk.fs.devices import make_dev
from pyuk.fs.tmpfs import TmpFs
from pyuk.fs.tmpnode import Directory, Inode, Symlink

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.fs.devices import DeviceTable
    from pyuk.fs.tmpnode import Volume

DEV_DEV = 6
"""st_dev: an anonymous device, the one that devtmpfs usually has."""
_LINKS = (
    (b"fd", b"/proc/self/fd"), (b"stdin", b"/proc/self/fd/0"), (b"stdout", b"/proc/self/fd/1"),
    (b"stderr", b"/proc/self/fd/2"),
)  # fmt: skip
_MOUNT_POINTS = ((b"pts", 0o755), (b"shm", 0o1777), (b"mqueue", 0o1777))


def make_devfs(volume: Volume, devices: DeviceTable) -> TmpFs:
    """With what is registered now. Its mount points are for devpts, a tmpfs and a mqueue."""
    system = TmpFs(volume, mode=0o755, devices=devices)
    root = system.root
    for device in devices.devices:
        root.add(device.name, Inode(volume, device.mode, 0, device.gid, make_dev(*device.rdev)))
    for name, target in _LINKS:
        root.add(name, Symlink(volume, 0, 0, target))
    for name, mode in _MOUNT_POINTS:
        root.add(name, Directory(volume, mode, 0, 0, name, root))
    return system
