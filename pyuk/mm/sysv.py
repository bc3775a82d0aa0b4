"""System V shared memory: the segments of shmget(2), and who has them attached.

Source: Linux 6.1 ipc/shm.c, ipc/util.c.
"""

from __future__ import annotations

from pyuk.abi.capability import CAP_IPC_LOCK, CAP_IPC_OWNER, CAP_SYS_ADMIN
from pyuk.abi.errno import EACCES, EEXIST, EIDRM, EINVAL, ENOENT, ENOMEM, ENOSPC, EPERM, SyscallError
from pyuk.abi.mman import MAP_FIXED, MAP_SHARED, PROT_EXEC, PROT_READ, PROT_WRITE
from pyuk.abi.shm import (
    IPC_CREAT,
    IPC_EXCL,
    IPC_PRIVATE,
    SHM_DEST,
    SHM_EXEC,
    SHM_HUGETLB,
    SHM_NORESERVE,
    SHM_RDONLY,
    SHM_REMAP,
    SHM_RND,
)  # fmt: skip
from pyuk.machine.paging import PAGE_MASK, PAGE_SHIFT
from pyuk.mm.memory import SharedMemory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    from pyuk.mm.pagecache import PageCache
    from pyuk.mm.pages import Pages
    from pyuk.mm.space import AddressSpace

    class Credentials(Protocol):
        """Who asks."""

        euid: int
        egid: int
        groups: list[int]

        def has(self, capability: int, /) -> bool: ...


SHMMNI = 4096
SHMMAX = SHMALL = (1 << 64) - 1 - (1 << 24)
_SEQUENCE_SHIFT = 15
_MIN_CYCLE = 64
_SEQUENCE_MAX = 0x7FFFFFFF >> _SEQUENCE_SHIFT
_READ, _WRITE, _EXECUTE = 0o444, 0o222, 0o111


class Segment:
    """One segment, and the backing of its mappings. `n_attached` counts areas, as Linux does."""

    __slots__ = (
        "atime", "cgid", "cpid", "ctime", "cuid", "dev", "dtime", "gid", "ino", "key_t", "lpid", "memory", "mode",
        "n_attached", "pages", "path", "size_bytes", "table", "uid",
    )  # fmt: skip

    def __init__(self, table: SysvShm, shmid: int, key: int, size_bytes: int, mode: int, who: Credentials) -> None:
        self.table = table
        self.path = b"/SYSV%08x (deleted)" % (key & 0xFFFFFFFF)
        self.memory = SharedMemory(table.cache, self.path, size_bytes)
        self.memory.hold()
        self.pages: Pages = self.memory
        self.dev: int = self.memory.dev
        self.ino: int = shmid
        self.size_bytes = size_bytes
        self.key_t = key
        self.mode = mode
        self.uid = self.cuid = who.euid
        self.gid = self.cgid = who.egid
        self.cpid, self.lpid = table.pid(), 0
        self.atime = self.dtime = 0
        self.ctime = table.now_s()
        self.n_attached = 0

    @property
    def key(self) -> tuple[int, int, int, int, int]:
        """Nothing behind it can change."""
        return self.dev, self.ino, 0, 0, 0

    def hold(self) -> Segment:
        """One area more."""
        self.n_attached += 1
        return self

    def drop(self) -> None:
        """One area less; the last one ends a segment that is marked."""
        self.n_attached -= 1
        self.dtime, self.lpid = self.table.now_s(), self.table.pid()
        if not self.n_attached and self.mode & SHM_DEST:
            self.table.destroy(self)

    def map_flags(self, vm_flags: int) -> int:
        """Nothing is sealed."""
        return vm_flags

    def punch(self, offset: int, length: int) -> None:
        """As of any shared memory."""
        self.memory.punch(offset, length)

    def preadv(self, slices: list[memoryview], offset: int) -> int:
        """Not asked: the pages are here."""
        return self.memory.preadv(slices, offset)

    def pwritev(self, slices: list[memoryview], offset: int) -> int:
        """Not asked: the pages are here."""
        return self.memory.pwritev(slices, offset)

    def may(self, who: Credentials, wanted: int) -> bool:
        """ipcperms: `wanted` has the bits for owner, group and others alike."""
        mode = self.mode
        if who.euid in (self.uid, self.cuid):
            mode >>= 6
        elif {self.gid, self.cgid} & {who.egid, *who.groups}:
            mode >>= 3
        return not wanted & 7 & ~mode or who.has(CAP_IPC_OWNER)

    def owned_by(self, who: Credentials) -> bool:
        """ipcctl_obtain_check: the owner, the creator, or CAP_SYS_ADMIN."""
        return who.euid in (self.uid, self.cuid) or who.has(CAP_SYS_ADMIN)


class SysvShm:
    """All segments of one kernel, by index; an id is the index and how often indices have been used again."""

    __slots__ = ("_last_index", "_sequence", "by_index", "cache", "now_s", "pid")

    def __init__(self, cache: PageCache, now_s: Callable[[], int], pid: Callable[[], int]) -> None:
        self.cache = cache
        self.now_s = now_s
        self.pid = pid
        """Who runs: for shm_cpid and shm_lpid."""
        self.by_index: dict[int, Segment] = {}
        self._sequence = 0
        self._last_index = -1

    def get(self, key: int, size: int, flags: int, who: Credentials) -> int:
        """shmget(2). Errors: EACCES, EEXIST, EINVAL, ENOENT, ENOMEM, ENOSPC."""
        found = None if key == IPC_PRIVATE else next((s for s in self.by_index.values() if s.key_t == key), None)
        if found is None:
            if key != IPC_PRIVATE and not flags & IPC_CREAT:
                raise SyscallError(ENOENT)
            return self._make(key, size, flags, who)
        if flags & IPC_CREAT and flags & IPC_EXCL:
            raise SyscallError(EEXIST)
        if size > found.size_bytes:
            raise SyscallError(EINVAL, "larger than the segment")
        if not found.may(who, flags >> 6 | flags >> 3 | flags):
            raise SyscallError(EACCES)
        return found.ino

    def _make(self, key: int, size: int, flags: int, who: Credentials) -> int:
        if not 1 <= size <= SHMMAX:
            raise SyscallError(EINVAL, "size")
        n_pages = size + PAGE_MASK >> PAGE_SHIFT
        if n_pages + self.n_pages > SHMALL:
            raise SyscallError(ENOSPC)
        if flags & SHM_HUGETLB or (not flags & SHM_NORESERVE and n_pages > self.cache.ram.n_frames):
            raise SyscallError(ENOMEM)
        if len(self.by_index) >= SHMMNI:
            raise SyscallError(ENOSPC)
        n_indices = min(max((len(self.by_index) + 1) * 3 // 2, _MIN_CYCLE), SHMMNI)
        following = self._last_index + 1
        order = (*range(following, n_indices), *range(min(following, n_indices)))
        index = next(i for i in order if i not in self.by_index)  # ipc_idr_alloc: cyclic
        if index <= self._last_index:
            self._sequence = (self._sequence + 1) % (_SEQUENCE_MAX + 1)
        self._last_index = index
        shmid: int = self._sequence << _SEQUENCE_SHIFT | index
        self.by_index[index] = Segment(self, shmid, key, size, flags & 0o777, who)
        return shmid

    @property
    def n_pages(self) -> int:
        """shm_tot."""
        return sum(segment.memory.n_pages for segment in self.by_index.values())

    def find(self, shmid: int) -> Segment:
        """Errors: EINVAL no such segment; EIDRM it was one."""
        segment = self.by_index.get(shmid & (1 << _SEQUENCE_SHIFT) - 1) if shmid >= 0 else None
        if segment is None:
            raise SyscallError(EINVAL)
        if segment.ino != shmid:
            raise SyscallError(EIDRM)
        return segment

    def attach(self, space: AddressSpace, shmid: int, addr: int, flags: int, who: Credentials) -> int:
        """shmat(2). Errors: EINVAL, EIDRM, EACCES, ENOMEM."""
        if shmid < 0:
            raise SyscallError(EINVAL)
        map_flags = MAP_SHARED
        if addr:
            if addr & PAGE_MASK:
                if not flags & SHM_RND:
                    raise SyscallError(EINVAL, "address not page aligned")
                addr &= ~PAGE_MASK
                if not addr and flags & SHM_REMAP:
                    raise SyscallError(EINVAL, "nothing to remap")
            map_flags |= MAP_FIXED
        elif flags & SHM_REMAP:
            raise SyscallError(EINVAL, "nothing to remap")
        prot, wanted = PROT_READ, _READ
        if not flags & SHM_RDONLY:
            prot, wanted = PROT_READ | PROT_WRITE, _READ | _WRITE
        if flags & SHM_EXEC:
            prot, wanted = prot | PROT_EXEC, wanted | _EXECUTE
        segment = self.find(shmid)
        if not segment.may(who, wanted):
            raise SyscallError(EACCES)
        size = segment.size_bytes
        if addr and not flags & SHM_REMAP and space.vmas.overlapping(addr, addr + size):
            raise SyscallError(EINVAL, "something is mapped there")
        segment.hold()
        try:
            at = space.mmap(addr, size, prot, map_flags, segment, may_write=not flags & SHM_RDONLY)
            segment.atime, segment.lpid = self.now_s(), self.pid()
        finally:
            segment.n_attached -= 1
        return at

    def remove(self, segment: Segment) -> None:
        """IPC_RMID: at once, or when nobody has it attached any more."""
        if segment.n_attached:
            segment.mode |= SHM_DEST
            segment.key_t = IPC_PRIVATE
        else:
            self.destroy(segment)

    def destroy(self, segment: Segment) -> None:
        """Free it."""
        del self.by_index[segment.ino & (1 << _SEQUENCE_SHIFT) - 1]
        segment.memory.drop()

    def set(self, segment: Segment, uid: int, gid: int, mode: int) -> None:
        """IPC_SET."""
        segment.uid, segment.gid = uid, gid
        segment.mode = segment.mode & ~0o777 | mode & 0o777
        segment.ctime = self.now_s()

    def lock(self, segment: Segment, who: Credentials, *, on: bool, bit: int) -> None:
        """SHM_LOCK, SHM_UNLOCK: only a bit, for nothing is ever paged out. Errors: EPERM."""
        if who.euid not in (segment.uid, segment.cuid) and not who.has(CAP_IPC_LOCK):
            raise SyscallError(EPERM)
        segment.mode = segment.mode | bit if on else segment.mode & ~bit


def detach(space: AddressSpace, addr: int) -> None:
    """shmdt(2): every area of the segment whose beginning is, or was, attached at addr. Errors: EINVAL."""
    if addr & PAGE_MASK:
        raise SyscallError(EINVAL, "address not page aligned")
    first = None
    for vma in space.vmas.overlapping(addr, 1 << 47):
        if vma.start >= addr and isinstance(vma.backing, Segment) and vma.start - addr == vma.pgoff << PAGE_SHIFT:
            first = vma
            break
    if first is None:
        raise SyscallError(EINVAL, "no segment is attached there")
    segment = first.backing
    assert isinstance(segment, Segment)  # noqa: S101  # as found above
    end = addr + (segment.size_bytes + PAGE_MASK & ~PAGE_MASK)
    for vma in space.vmas.overlapping(addr, end):
        if vma.backing is segment and vma.start - addr == vma.pgoff << PAGE_SHIFT:
            space.munmap(vma.start, vma.end - vma.start)
