"""An address space: mmap, munmap, brk, and what the other calls of the family stand on.

Source: Linux 6.1 mm/mmap.c (do_mmap, mmap_region, do_mas_munmap, brk), mm/util.c (__vm_enough_memory), fs/exec.c.
Deviation: files of 2 MiB and more are not placed at a 2 MiB boundary (thp_get_unmapped_area).
"""

from __future__ import annotations

from pyuk.abi.errno import (
    EACCES,
    EAGAIN,
    EEXIST,
    EINVAL,
    ENOMEM,
    EOPNOTSUPP,
    EOVERFLOW,
    EPERM,
    SyscallError,
)  # fmt: skip
from pyuk.abi.mman import (
    MAP_32BIT,
    MAP_ANONYMOUS,
    MAP_DENYWRITE,
    MAP_EXECUTABLE,
    MAP_FIXED,
    MAP_FIXED_NOREPLACE,
    MAP_GROWSDOWN,
    MAP_HUGE_MASK,
    MAP_HUGE_SHIFT,
    MAP_HUGETLB,
    MAP_LOCKED,
    MAP_NONBLOCK,
    MAP_NORESERVE,
    MAP_POPULATE,
    MAP_PRIVATE,
    MAP_SHARED,
    MAP_SHARED_VALIDATE,
    MAP_STACK,
    MAP_TYPE,
    MAP_UNINITIALIZED,
)  # fmt: skip
from pyuk.abi.resource import RLIM64_INFINITY, RLIMIT_AS, RLIMIT_DATA, RLIMIT_MEMLOCK, RLIMIT_STACK
from pyuk.machine.paging import FRAME_MASK, LARGE_PAGES, PAGE_BYTES, PAGE_MASK, PAGE_SHIFT, TASK_SIZE, A, P, W
from pyuk.mm import fault as faults
from pyuk.mm import layout, ptes
from pyuk.mm.pages import Pages
from pyuk.mm.vma import (
    VM_ACCESS,
    VM_ACCOUNT,
    VM_EXEC,
    VM_GROWSDOWN,
    VM_LOCKED,
    VM_LOCKONFAULT,
    VM_MAYEXEC,
    VM_MAYREAD,
    VM_MAYSHARE,
    VM_MAYWRITE,
    VM_NORESERVE,
    VM_READ,
    VM_SHARED,
    VM_WRITE,
    Vma,
    VmaSet,
    mergeable,
)  # fmt: skip

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.abi.types import FrameNr
    from pyuk.mm.backing import Backing, Limits, Machine
    from pyuk.mm.fault import Fault
    from pyuk.mm.pagecache import PageCache

MAX_MAP_COUNT = 65530
"""vm.max_map_count"""
_U64 = (1 << 64) - 1
_MAY_ALL = VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC
_FILE_PAGES_MAX = (1 << 63) - 1 >> PAGE_SHIFT
_PEAK_BYTES = 1 << 20
_STACK_EXPAND_BYTES = 131072
"""setup_arg_pages: how far the new stack reaches below the argument strings."""

# linux/mman.h, LEGACY_MAP_MASK: what MAP_SHARED_VALIDATE lets pass
_LEGACY_MAP_MASK = (
    MAP_SHARED | MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS | MAP_DENYWRITE | MAP_EXECUTABLE | MAP_UNINITIALIZED
    | MAP_GROWSDOWN | MAP_LOCKED | MAP_NORESERVE | MAP_POPULATE | MAP_NONBLOCK | MAP_STACK | MAP_HUGETLB | MAP_32BIT
    | 21 << MAP_HUGE_SHIFT | 30 << MAP_HUGE_SHIFT
)  # fmt: skip


class AddressSpace:
    """What one process (or several that share it) sees as memory.

    Invariants: every present entry lies in an area and has at most its rights; an entry is absent, or present
    exactly when its area has any right (a PROT_NONE page keeps its frame without P).
    """

    __slots__ = (
        "_base", "_next_anon_vma", "arg_range", "barriers", "brk", "cache", "code_range", "data_bytes",
        "default_flags", "env_range", "limits", "machine", "may_lock_all", "mmap_min_addr", "n_around", "n_cow",
        "n_demand_zero", "n_file", "n_flushes", "n_large", "n_minor", "page_table", "peak_pages", "peak_rss_pages",
        "pkey_map", "ram", "self_store", "start_brk", "start_stack", "told_faults", "users", "vmas",
    )  # fmt: skip

    def __init__(self, machine: Machine, cache: PageCache, limits: Limits) -> None:
        self.machine = machine
        self.ram = machine.ram
        self.cache = cache
        self.limits = limits
        self.page_table = machine.new_page_table()
        self.vmas = VmaSet()
        self.mmap_min_addr = layout.MMAP_MIN_ADDR
        self._base = layout.mmap_base(limits.soft[RLIMIT_STACK])
        self._next_anon_vma = 1
        self.start_brk = self.brk = 0
        self.data_bytes = 0
        """end_data - start_data of the program, which RLIMIT_DATA counts beside the heap."""
        self.start_stack = 0
        self.code_range = (0, 0)
        """Of the program: start_code, end_code."""
        self.peak_pages = self.peak_rss_pages = 0
        self.default_flags = 0
        """VM_ flags of every area to come (mlockall MCL_FUTURE)."""
        self.may_lock_all = False
        """CAP_IPC_LOCK: RLIMIT_MEMLOCK does not count."""
        self.barriers = 0
        """MEMBARRIER_CMD_REGISTER_ bits."""
        self.pkey_map = 0
        self.self_store: tuple[int, FrameNr, bool] | None = None
        """Address, frame, and whether the step is ours: what mm/wx.py lets an instruction do just now."""
        self.arg_range = self.env_range = (0, 0)
        self.told_faults = (0, 0)
        """Minor and major ones that have been counted as some task's (kernel/usage.py)."""
        self.n_minor = self.n_demand_zero = self.n_cow = self.n_file = self.n_around = self.n_flushes = 0
        self.n_large = 0
        self.users = 1
        """Tasks that have this as their memory; the last one's end destroys it (mm_users)."""
        cache.spaces.append(self)

    fault = faults.fault

    def mmap(
        self, addr: int, length: int, prot: int, flags: int, backing: Backing | None = None, offset: int = 0,
        *, may_write: bool = True, may_exec: bool = True,
    ) -> int:  # fmt: skip
        """Map length bytes of a file at offset, or of zeros; gives the address.

        What the open file allows: may_write if it was opened so, may_exec unless its mount is noexec.
        That it is open, can be read and can be mapped (EBADF, EACCES, ENODEV) is checked before.
        Errors: EINVAL length 0, offset or MAP_FIXED address unaligned, neither MAP_SHARED nor MAP_PRIVATE;
        ENOMEM no room, a limit, more than RAM; EOVERFLOW offset + length; EEXIST MAP_FIXED_NOREPLACE;
        EACCES file not opened for that; EPERM below mmap_min_addr or noexec; EOPNOTSUPP MAP_SHARED_VALIDATE.
        Source: mmap(2); Linux mm/mmap.c, do_mmap.
        """
        if offset & PAGE_MASK:
            raise SyscallError(EINVAL, "offset not page aligned")
        if flags & MAP_HUGETLB:
            _refuse_huge_pages(flags, backing)
        if not length:
            raise SyscallError(EINVAL, "length is 0")
        if flags & MAP_FIXED_NOREPLACE:
            flags |= MAP_FIXED
        length = length + PAGE_MASK & ~PAGE_MASK
        if length > _U64:
            raise SyscallError(ENOMEM, "length overflows")
        pgoff = offset >> PAGE_SHIFT
        if len(self.vmas) > MAX_MAP_COUNT:
            raise SyscallError(ENOMEM, "max_map_count")
        addr = layout.place(self.vmas, addr, length, flags, self._base, mmap_min_addr=self.mmap_min_addr)
        if flags & MAP_FIXED_NOREPLACE and self.vmas.overlapping(addr, addr + length):
            raise SyscallError(EEXIST)
        vm_flags = prot & VM_ACCESS | _MAY_ALL | self._lock_flags(flags, length)
        if flags & MAP_GROWSDOWN:
            vm_flags |= VM_GROWSDOWN
        if backing is None:
            vm_flags |= _anonymous_flags(flags)
        else:
            vm_flags |= _file_flags(vm_flags, flags, pgoff, length, may_write=may_write, may_exec=may_exec)
            if vm_flags & VM_MAYSHARE and not may_write:
                vm_flags &= ~(VM_MAYWRITE | VM_SHARED)
            if not may_exec:
                vm_flags &= ~VM_MAYEXEC
            vm_flags = backing.map_flags(vm_flags)
        if flags & MAP_NORESERVE:
            vm_flags |= VM_NORESERVE
        if backing is None:
            pgoff = 0 if vm_flags & VM_SHARED else addr >> PAGE_SHIFT
        self.map_pages(addr, length, vm_flags, pgoff, None, backing)
        is_locked = vm_flags & (VM_LOCKED | VM_LOCKONFAULT) == VM_LOCKED
        if is_locked or flags & (MAP_POPULATE | MAP_NONBLOCK) == MAP_POPULATE:
            self.populate(addr, addr + length)
        return addr

    def _lock_flags(self, flags: int, length: int) -> int:
        """The VM_LOCK flags of a new mapping. Errors: EPERM, EAGAIN."""
        vm_flags = self.default_flags
        if flags & MAP_LOCKED:
            if not self.limits.soft[RLIMIT_MEMLOCK] and not self.may_lock_all:
                raise SyscallError(EPERM, "RLIMIT_MEMLOCK is 0")
            vm_flags |= VM_LOCKED
        if vm_flags & VM_LOCKED:
            self.check_mlock(length)
        return vm_flags

    def map_pages(
        self, addr: int, length: int, vm_flags: int, pgoff: int, pages: Pages | None, backing: Backing | None
    ) -> None:
        """mmap_region: limits, what was there goes, the new area comes, and joins its neighbours."""
        end = addr + length
        n_pages = length >> PAGE_SHIFT
        vmas = self.vmas
        if not self.may_expand(vm_flags, n_pages):
            n_old = sum(min(end, old.end) - max(addr, old.start) for old in vmas.overlapping(addr, end)) >> PAGE_SHIFT
            if not self.may_expand(vm_flags, n_pages - n_old):
                raise SyscallError(ENOMEM, "RLIMIT_AS or RLIMIT_DATA")
        self._unmap(addr, end)
        shared_memory = backing is None and pages is None and vm_flags & VM_SHARED
        if shared_memory or vm_flags & (VM_NORESERVE | VM_SHARED | VM_WRITE) == VM_WRITE:
            if not (shared_memory and vm_flags & VM_NORESERVE):
                self.check_enough_memory(n_pages)
            if not shared_memory:
                vm_flags |= VM_ACCOUNT
        if pages is not None:
            pass
        elif backing is not None:
            pages = self.cache.open(backing)
        elif shared_memory:
            pages = Pages(self.ram, n_pages, self.cache.new_serial())
        vma = Vma(addr, end, vm_flags, pgoff, pages, backing)
        vma.hold()
        vmas.add(vma)
        vmas.merge(vma)

    def munmap(self, addr: int, length: int) -> None:
        """Remove every mapping that intersects [addr, addr + length).

        Units: bytes; length is rounded up to a page.
        Errors: EINVAL addr unaligned, length 0, or range past TASK_SIZE; ENOMEM too many areas. Holes are no error.
        Source: munmap(2); Linux mm/mmap.c, do_mas_munmap.
        """
        if addr & PAGE_MASK or addr > TASK_SIZE or length > TASK_SIZE - addr:
            raise SyscallError(EINVAL, "range unaligned or past the address space")
        end = addr + length + PAGE_MASK & ~PAGE_MASK
        if end == addr:
            raise SyscallError(EINVAL, "length is 0")
        if len(self.vmas) >= MAX_MAP_COUNT:
            first = self.vmas.find(addr)
            if first is not None and first.start < addr and end < first.end:
                raise SyscallError(ENOMEM, "max_map_count")
        self._unmap(addr, end)

    def _unmap(self, start: int, end: int) -> None:
        vmas = self.vmas
        if end - start >= _PEAK_BYTES:
            self.note_peaks()
        ptes.prepare(self.page_table, start, end)
        gone = vmas.cut(start, end)
        if not gone:
            return
        ptes.clear(self, gone[0].start, gone[-1].end)
        for vma in gone:
            self._close(vma)
        ptes.drop_leaves(self, start, end)

    def note_peaks(self) -> None:
        """Called before something large goes: VmPeak, VmHWM and ru_maxrss are the most that ever was."""
        self.peak_pages = max(self.peak_pages, self.n_mapped_pages)
        self.peak_rss_pages = max(self.peak_rss_pages, self.rss_pages)

    def _close(self, vma: Vma) -> None:
        """An area whose entries are cleared: what was written to a shared file goes to the host."""
        pages = vma.pages
        if pages is not None and pages.writable and vma.flags & VM_SHARED:
            try:
                pages.write_back(vma.backing, vma.pgoff, vma.pgoff + vma.n_pages)
            except SyscallError:
                pass  # Linux reports a failed write-back at fsync and msync only
        vma.drop()

    def mprotect(self, addr: int, length: int, prot: int, pkey: int = -1) -> None:
        """Change the rights of [addr, addr + length).

        Errors: EINVAL addr unaligned or prot unknown; ENOMEM a hole, or a limit; EACCES more than the file was
        opened for. What lies before the place of an ENOMEM or EACCES has been changed, as on Linux.
        """
        from pyuk.mm.protect import mprotect  # noqa: PLC0415

        mprotect(self, addr, length, prot, pkey)

    def set_brk(self, brk: int) -> int:
        """Move the end of the heap; gives the new end, or the old one where Linux refuses.

        Refusals: below start_brk, RLIMIT_DATA or RLIMIT_AS, no memory, another mapping or its guard gap in the way.
        """
        vmas = self.vmas
        old, new = self.brk + PAGE_MASK & ~PAGE_MASK, brk + PAGE_MASK & ~PAGE_MASK
        limit = self.limits.soft[RLIMIT_DATA]
        if brk < self.start_brk or (limit != RLIM64_INFINITY and brk - self.start_brk + self.data_bytes > limit):
            return self.brk
        if new < old:
            heap = vmas.from_address(new)
            if heap is None or heap.start >= old:
                return self.brk
            self._unmap(new, old)
        elif new > old:
            above = vmas.from_address(old)
            if new > TASK_SIZE or (above is not None and new + PAGE_BYTES > above.guarded_start):
                return self.brk
            try:
                self._grow_heap(old, new)
            except SyscallError:
                return self.brk
        self.brk = brk
        return brk

    def _grow_heap(self, old: int, new: int) -> None:
        """do_brk_flags."""
        flags = VM_READ | VM_WRITE | VM_ACCOUNT | _MAY_ALL | self.default_flags
        n_pages = new - old >> PAGE_SHIFT
        if not self.may_expand(flags, n_pages) or len(self.vmas) > MAX_MAP_COUNT:
            raise SyscallError(ENOMEM)
        if flags & VM_LOCKED:
            self.check_mlock(new - old)
        self.check_enough_memory(n_pages)
        grown = Vma(old, new, flags, old >> PAGE_SHIFT)
        below = self.vmas.before(old)
        if below is not None and mergeable(below, grown):
            below.end = new
        else:
            self.vmas.add(grown)
        if flags & (VM_LOCKED | VM_LOCKONFAULT) == VM_LOCKED:
            self.populate(old, new)

    def set_stack(self, top: int, n_string_bytes: int, rlimit_bytes: int, *, executable: bool = False) -> int:
        """Make the stack area below top, for argument strings of that size and 128 KiB more; gives its start.

        `rlimit_bytes` is RLIMIT_STACK at exec: it decides where mmap begins as well.
        Source: fs/exec.c, setup_arg_pages.
        """
        self._base = layout.mmap_base(rlimit_bytes)
        strings = top - max(n_string_bytes, 1) & ~PAGE_MASK
        start = strings - _STACK_EXPAND_BYTES
        if top - start > rlimit_bytes:
            start = min(strings, top - rlimit_bytes + PAGE_MASK & ~PAGE_MASK)
        flags = VM_READ | VM_WRITE | VM_GROWSDOWN | VM_ACCOUNT | _MAY_ALL
        if executable:
            flags |= VM_EXEC
        self.vmas.add(Vma(start, top, flags, start >> PAGE_SHIFT))
        self.start_stack = top - 1
        return start

    def populate(self, start: int, end: int) -> None:
        """Fault pages in ahead of their use; whatever fails is left to the use (mm_populate)."""
        for vma in self.vmas.overlapping(start, end):
            error_code = faults.PF_WRITE if vma.flags & (VM_WRITE | VM_SHARED) == VM_WRITE else 0
            for va in range(max(start, vma.start), min(end, vma.end), PAGE_BYTES):
                if self.touch(va, error_code) is not None:
                    return

    def touch(self, va: int, error_code: int) -> Fault | None:
        """Fault a page in as an access would; error_code is PF_WRITE or 0. Flushes what the TLB may hold of it."""
        old = self.page_table.entry(va)
        if old & P and (old & W or not error_code & faults.PF_WRITE):
            return None
        fault = self.fault(va, error_code | faults.PF_USER | (old & P and faults.PF_PRESENT))
        if old & A and (self.page_table.entry(va) ^ old) & FRAME_MASK:
            self.machine.flush_page(va)
            self.n_flushes += 1
        return fault

    def inherit(self, parent: AddressSpace) -> None:
        """Take over what is not an area or a page (fork)."""
        self._base, self._next_anon_vma = parent._base, parent._next_anon_vma
        self.mmap_min_addr = parent.mmap_min_addr
        self.start_brk, self.brk, self.data_bytes = parent.start_brk, parent.brk, parent.data_bytes
        self.may_lock_all, self.pkey_map, self.barriers = parent.may_lock_all, parent.pkey_map, parent.barriers
        self.code_range = parent.code_range
        self.start_stack, self.arg_range, self.env_range = parent.start_stack, parent.arg_range, parent.env_range

    def may_expand(self, vm_flags: int, n_pages: int) -> bool:
        """Whether RLIMIT_AS and RLIMIT_DATA leave room for n_pages more (may_expand_vm)."""
        soft = self.limits.soft
        limit = soft[RLIMIT_AS]
        if limit != RLIM64_INFINITY and self.n_mapped_pages + n_pages > limit >> PAGE_SHIFT:
            return False
        limit = soft[RLIMIT_DATA]
        if limit == RLIM64_INFINITY or not is_data(vm_flags) or self.n_data_pages + n_pages <= limit >> PAGE_SHIFT:
            return True
        # "Workaround for Valgrind"
        return limit == 0 and self.n_data_pages + n_pages <= self.limits.hard[RLIMIT_DATA] >> PAGE_SHIFT

    def check_enough_memory(self, n_pages: int) -> None:
        """ENOMEM for one request larger than all of RAM (the default overcommit heuristic)."""
        if n_pages > self.ram.n_frames:
            raise SyscallError(ENOMEM, "more than all of RAM")

    def check_map_count(self, n_more: int = 0) -> None:
        """ENOMEM where one area (and n_more) would be too many."""
        if len(self.vmas) + n_more >= MAX_MAP_COUNT:
            raise SyscallError(ENOMEM, "max_map_count")

    def check_mlock(self, length: int) -> None:
        """mlock_future_check: EAGAIN where length bytes more are too many."""
        limit = self.limits.soft[RLIMIT_MEMLOCK]
        if self.may_lock_all:
            return
        locked = sum(vma.end - vma.start for vma in self.vmas if vma.flags & VM_LOCKED)
        if limit != RLIM64_INFINITY and locked + length > limit & ~PAGE_MASK:
            raise SyscallError(EAGAIN, "RLIMIT_MEMLOCK")

    @property
    def n_mapped_pages(self) -> int:
        """total_vm: all mapped pages, touched or not."""
        return sum(vma.end - vma.start for vma in self.vmas) >> PAGE_SHIFT

    @property
    def n_data_pages(self) -> int:
        """data_vm: private writable pages that are not stack."""
        return sum(vma.end - vma.start for vma in self.vmas if is_data(vma.flags)) >> PAGE_SHIFT

    @property
    def rss_pages(self) -> int:
        """Pages with a frame."""
        words, table = self.ram.words, self.page_table
        n_small = sum(512 - words[base : base + 512].tolist().count(0) for base in table.leaves.values())
        return n_small + LARGE_PAGES * len(table.large)

    @property
    def n_minor_faults(self) -> int:
        """Faults answered without the host's disk, as getrusage(2) counts them."""
        return self.n_minor + self.n_demand_zero + self.n_cow

    def prepare_anon_vma(self, vma: Vma) -> None:
        """The area gets its first private page: take a neighbour's anon_vma if they may merge one day, or a new one."""
        index = self.vmas.index_from(vma.start)
        for other in self.vmas.areas[index + 1 : index + 2] + self.vmas.areas[max(index - 1, 0) : index]:
            if other.anon_vma and not other.forked and _anon_vma_compatible(vma, other):
                vma.anon_vma = other.anon_vma
                return
        vma.anon_vma = self.new_anon_vma()

    def new_anon_vma(self) -> int:
        """A number that no area has yet."""
        self._next_anon_vma += 1
        return self._next_anon_vma

    def mremap(self, old_addr: int, old_length: int, new_length: int, flags: int, new_addr: int = 0) -> int:
        """Grow, shrink or move a mapping; gives its address. See mm/remap.py."""
        from pyuk.mm.remap import mremap  # noqa: PLC0415

        return mremap(self, old_addr, old_length, new_length, flags, new_addr)

    def place(self, addr: int, length: int, flags: int) -> int:
        """get_unmapped_area: the address that a new mapping would get. Errors: ENOMEM, EINVAL, EPERM."""
        return layout.place(self.vmas, addr, length, flags, self._base, mmap_min_addr=self.mmap_min_addr)

    def remap_file_pages(self, addr: int, length: int, prot: int, pgoff: int, flags: int) -> None:
        """Map other pages of a shared mapping's file in its place. See mm/remap.py."""
        from pyuk.mm.remap import remap_file_pages  # noqa: PLC0415

        remap_file_pages(self, addr, length, prot, pgoff, flags)

    def madvise(self, addr: int, length: int, advice: int) -> None:
        """Act on or record advice. See mm/advise.py."""
        from pyuk.mm.advise import madvise  # noqa: PLC0415

        madvise(self, addr, length, advice)

    def msync(self, addr: int, length: int, flags: int) -> None:
        """Write shared file pages back. See mm/advise.py."""
        from pyuk.mm.advise import msync  # noqa: PLC0415

        msync(self, addr, length, flags)

    def mincore(self, addr: int, length: int) -> bytes:
        """One byte a page: 1 where it is in RAM. See mm/advise.py."""
        from pyuk.mm.advise import mincore  # noqa: PLC0415

        return mincore(self, addr, length)

    def check_range(self, addr: int, length: int) -> None:
        """ENOMEM for what is not all below the end of the address space (access_ok, where that is the errno)."""
        if length > TASK_SIZE or addr > TASK_SIZE - length:
            raise SyscallError(ENOMEM, "past the address space")

    def fork(self, limits: Limits | None = None) -> AddressSpace:
        """A copy-on-write copy for a child. See mm/forking.py. Raises OutOfFramesError."""
        from pyuk.mm.forking import fork  # noqa: PLC0415

        return fork(self, self.limits if limits is None else limits)

    def maps(self) -> str:
        """The text of /proc/PID/maps. See mm/maps.py."""
        from pyuk.mm.maps import maps  # noqa: PLC0415

        return maps(self)

    def end_self_store(self) -> bool:
        """See mm/wx.py."""
        from pyuk.mm.wx import end_self_store  # noqa: PLC0415

        return end_self_store(self)

    def smaps(self) -> str:
        """The text of /proc/PID/smaps. See mm/smaps.py."""
        from pyuk.mm.smaps import smaps  # noqa: PLC0415

        return smaps(self)

    def destroy(self) -> None:
        """Give everything back; the CPU must not have this space loaded any more."""
        areas = self.vmas.cut(0, TASK_SIZE)
        ptes.release_all(self)
        for vma in areas:
            self._close(vma)
        self.page_table.free()
        self.cache.spaces.remove(self)

    def check_invariants(self) -> None:
        """Raise AssertionError where the space is not what its docstring says."""
        from pyuk.mm.invariants import check  # noqa: PLC0415

        check(self)


def is_data(vm_flags: int) -> bool:
    """is_data_mapping: what RLIMIT_DATA counts."""
    return vm_flags & (VM_WRITE | VM_SHARED | VM_GROWSDOWN) == VM_WRITE


def _anon_vma_compatible(vma: Vma, other: Vma) -> bool:
    lower, upper = (vma, other) if vma.start < other.start else (other, vma)
    return (
        lower.end == upper.start
        and lower.backing is upper.backing
        and not (lower.flags ^ upper.flags) & ~VM_ACCESS
        and lower.pgoff + lower.n_pages == upper.pgoff
    )


def _anonymous_flags(flags: int) -> int:
    """What MAP_TYPE adds to the flags of an area without a file: do_mmap's second switch."""
    kind = flags & MAP_TYPE
    if kind == MAP_PRIVATE:
        return 0
    if kind != MAP_SHARED or flags & MAP_GROWSDOWN:
        raise SyscallError(EINVAL, "neither MAP_SHARED nor MAP_PRIVATE")
    return VM_SHARED | VM_MAYSHARE


def _file_flags(vm_flags: int, flags: int, pgoff: int, length: int, *, may_write: bool, may_exec: bool) -> int:
    """What MAP_TYPE adds to the flags of a file's area, and whether the file allows it: do_mmap's first switch."""
    kind = flags & MAP_TYPE
    if pgoff > _FILE_PAGES_MAX - (length >> PAGE_SHIFT):
        raise SyscallError(EOVERFLOW, "past the largest file")
    if kind not in (MAP_SHARED, MAP_PRIVATE, MAP_SHARED_VALIDATE):
        raise SyscallError(EINVAL, "neither MAP_SHARED nor MAP_PRIVATE")
    if kind == MAP_SHARED_VALIDATE and flags & ~_LEGACY_MAP_MASK:
        raise SyscallError(EOPNOTSUPP, "a flag that this file does not know")
    if kind != MAP_PRIVATE and vm_flags & VM_WRITE and not may_write:
        raise SyscallError(EACCES, "the file is not opened for writing")
    if vm_flags & VM_EXEC and not may_exec:
        raise SyscallError(EPERM, "mounted noexec")
    if vm_flags & VM_GROWSDOWN:
        raise SyscallError(EINVAL, "MAP_GROWSDOWN of a file")
    return 0 if kind == MAP_PRIVATE else VM_SHARED | VM_MAYSHARE


def _refuse_huge_pages(flags: int, backing: Backing | None) -> None:
    """As a host with huge pages of 2 MiB and 1 GiB and none set aside (vm.nr_hugepages = 0)."""
    size_log = flags >> MAP_HUGE_SHIFT & MAP_HUGE_MASK
    if backing is not None or size_log not in (0, 21, 30):
        raise SyscallError(EINVAL, "no such huge pages")
    raise SyscallError(ENOMEM, "no huge pages are set aside")
