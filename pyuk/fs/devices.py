"""Device nodes: what a type and a number open, and the devices that are memory or chance (Linux drivers/char/mem.c).

Whoever has a device registers it here before /dev is made (devfs.py). A node with its number, wherever it stands,
opens it: mknod(2) makes more of them.
"""

from __future__ import annotations

from pyuk.abi.errno import EINVAL, ENOSPC, ENOTTY, ENXIO, EOPNOTSUPP, SyscallError
from pyuk.abi.fcntl import O_DIRECT, O_NOCTTY
from pyuk.abi.ioctls import FIGETBSZ, FIOQSIZE, RNDGETENTCNT
from pyuk.abi.poll import POLLIN, POLLRDNORM
from pyuk.abi.stat import S_IFCHR, S_IFMT
from pyuk.abi.unistd import RWF_NOWAIT
from pyuk.fs.tmpfile import NodeFile
from pyuk.fs.tmpnode import PAGE_BYTES
from pyuk.machine import clib

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from pyuk.fs.file import OpenFile
    from pyuk.fs.tmpnode import Entry

    Opener = Callable[[Entry, int], OpenFile]
    """Given the node's name and the flags that F_GETFL shall show; may raise SyscallError or WouldBlock."""

_ZEROS = memoryview(bytes(1 << 16))
_clear = clib.CDLL(None).memset
_ENTROPY_BITS = 256  # drivers/char/random.c: POOL_BITS
MEM_MAJOR = 1  # include/uapi/linux/major.h


class Device:
    """What /dev has a node of."""

    __slots__ = ("gid", "is_terminal", "mode", "name", "opener", "rdev")

    def __init__(
        self, name: bytes, mode: int, rdev: tuple[int, int], opener: Opener, gid: int = 0, *, is_terminal: bool = False
    ) -> None:  # fmt: skip
        """mode: type and permissions. rdev: major and minor number. is_terminal: the opener is told of O_NOCTTY."""
        self.name = name
        self.mode = mode
        self.rdev = rdev
        self.opener = opener
        self.gid = gid
        self.is_terminal = is_terminal


class DeviceTable:
    """The devices of one kernel, in the order in which they were registered."""

    __slots__ = ("_by_number", "devices")

    def __init__(self) -> None:
        self.devices: list[Device] = []
        self._by_number: dict[tuple[int, int], Device] = {}

    def register(self, device: Device) -> None:
        """Have a node for it in /dev, and open it wherever its number is found; one without a name has no node."""
        major, minor = device.rdev
        self._by_number[device.mode & S_IFMT, make_dev(major, minor)] = device
        if device.name:
            self.devices.append(device)

    def open(self, entry: Entry, flags: int) -> OpenFile:
        """As open(2) of a device node. Errors: ENXIO no such device."""
        inode = entry.inode
        device = self._by_number.get((inode.st_mode & S_IFMT, inode.st_rdev))
        if device is None:
            raise SyscallError(ENXIO)
        return device.opener(entry, flags if device.is_terminal else flags & ~O_NOCTTY)


def make_dev(major: int, minor: int) -> int:
    """st_rdev (include/linux/kdev_t.h: new_encode_dev)."""
    return minor & 0xFF | major << 8 | (minor & ~0xFF) << 12


class DeviceFile(NodeFile):
    """What the devices here have in common: no position, nothing to map."""

    __slots__ = ("entry", "inode")

    def __init__(self, entry: Entry, flags: int) -> None:
        """Errors: EINVAL O_DIRECT."""
        if flags & O_DIRECT:
            raise SyscallError(EINVAL)
        super().__init__(flags)
        self.entry = entry
        self.inode = entry.inode
        self.inode.hold()

    def lseek(self, offset: int, whence: int) -> int:
        """null_lseek, noop_llseek: the position is always 0."""
        return 0

    def pread(self, slices: list[memoryview], offset: int, rwf: int = 0) -> int:
        """Anywhere is the same."""
        return self.read(slices)

    def pwrite(self, slices: list[memoryview], offset: int, rwf: int = 0) -> int:
        """Anywhere is the same."""
        return self.write(slices)

    def control(self, request: int, data: bytes) -> bytes:
        """What every file knows. Errors: ENOTTY."""
        if request == FIGETBSZ:
            return PAGE_BYTES.to_bytes(4, "little")
        raise SyscallError(ENOTTY)

    def reopen(self, flags: int) -> OpenFile:
        """Another description of it."""
        return type(self)(self.entry, flags)


class NullFile(DeviceFile):
    """/dev/null."""

    __slots__ = ()
    takes_unread = True

    def read(self, slices: list[memoryview]) -> int:
        """Nothing."""
        return 0

    def write(self, slices: list[memoryview]) -> int:
        """All of it."""
        return len(slices[0]) if len(slices) == 1 else sum(map(len, slices))

    def read_nothing(self, offset: int | None) -> bool:
        """Always."""
        return True

    def write_unread(self) -> bool:
        """Whatever it is."""
        return True


class ZeroFile(NullFile):
    """/dev/zero."""

    __slots__ = ()

    def read(self, slices: list[memoryview]) -> int:
        """Zeros."""
        done = 0
        for piece in slices:
            n = len(piece)
            if n <= len(_ZEROS):
                piece[:] = _ZEROS[:n]
            else:
                _clear(clib.c_void_p(clib.addressof(clib.c_char.from_buffer(piece))), 0, clib.c_size_t(n))
            done += n
        return done

    def read_nothing(self, offset: int | None) -> bool:
        """Never."""
        return False

    def maps_zeros(self) -> bool:
        """A mapping is anonymous memory."""
        return True


class FullFile(ZeroFile):
    """/dev/full."""

    __slots__ = ()
    takes_unread = False

    def write(self, slices: list[memoryview]) -> int:
        """Errors: ENOSPC."""
        raise SyscallError(ENOSPC)

    def pread(self, slices: list[memoryview], offset: int, rwf: int = 0) -> int:
        """Errors: EOPNOTSUPP for RWF_NOWAIT, which the others of its kind know."""
        if rwf & RWF_NOWAIT:
            raise SyscallError(EOPNOTSUPP)
        return self.read(slices)

    def pwrite(self, slices: list[memoryview], offset: int, rwf: int = 0) -> int:
        """Errors: ENOSPC."""
        raise SyscallError(EOPNOTSUPP if rwf & RWF_NOWAIT else ENOSPC)

    def write_unread(self) -> bool:
        """It takes nothing."""
        return False

    def maps_zeros(self) -> bool:
        """It cannot be mapped."""
        return False


class UrandomFile(DeviceFile):
    """/dev/urandom: the kernel's random numbers, those of getrandom(2)."""

    __slots__ = ("_random_bytes",)

    def __init__(self, entry: Entry, flags: int, random_bytes: Callable[[int], bytes]) -> None:
        super().__init__(entry, flags)
        self._random_bytes = random_bytes

    def read(self, slices: list[memoryview]) -> int:
        """As much as is asked for."""
        done = 0
        for piece in slices:
            piece[:] = self._random_bytes(len(piece))
            done += len(piece)
        return done

    def write(self, slices: list[memoryview]) -> int:
        """Taken, and forgotten: the stream is the kernel's."""
        return sum(map(len, slices))

    def control(self, request: int, data: bytes) -> bytes:
        """As random(4). Errors: EINVAL."""
        if request == RNDGETENTCNT:
            return _ENTROPY_BITS.to_bytes(4, "little")
        if request in (FIGETBSZ, FIOQSIZE):
            return super().control(request, data)
        raise SyscallError(EINVAL)

    def reopen(self, flags: int) -> OpenFile:
        """Another description of it."""
        return type(self)(self.entry, flags, self._random_bytes)


class RandomFile(UrandomFile):
    """/dev/random: the same; it can be waited for, and never has to be."""

    __slots__ = ()
    can_poll = True

    def poll(self) -> int:
        """The generator is ready (random_poll)."""
        return POLLIN | POLLRDNORM


def memory_devices(random_bytes: Callable[[int], bytes]) -> list[Device]:
    """null, zero, full, random and urandom. random_bytes: the kernel's own."""
    mode = S_IFCHR | 0o666
    return [
        Device(b"null", mode, (MEM_MAJOR, 3), NullFile),
        Device(b"zero", mode, (MEM_MAJOR, 5), ZeroFile),
        Device(b"full", mode, (MEM_MAJOR, 7), FullFile),
        Device(b"random", mode, (MEM_MAJOR, 8), lambda entry, flags: RandomFile(entry, flags, random_bytes)),
        Device(b"urandom", mode, (MEM_MAJOR, 9), lambda entry, flags: UrandomFile(entry, flags, random_bytes)),
    ]
