"""/proc/meminfo and what else counts pages: vmstat, zoneinfo, buddyinfo (Linux 6.1 fs/proc/meminfo.c, mm/vmstat.c).

Guest RAM is all the memory there is: MemTotal is --memory. The kernel itself is Python and has none of it.
"""

from __future__ import annotations

from pyuk.machine.paging import LARGE_PAGES
from pyuk.mm.pages import CachedFile, Pages
from pyuk.mm.vma import VM_ACCOUNT, VM_LOCKED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyuk.kernel.kernel import Kernel

_KIB_PER_PAGE = 4
_VMALLOC = ("VmallocTotal:          0 kB", f"VmallocTotal:   {(1 << 35) - 1} kB")
"""Address space that nobody uses (Documentation/x86/x86_64/mm.rst)."""


class Memory:
    """Where the frames are, counted now. Units: pages."""

    __slots__ = (
        "anonymous", "cached", "committed", "dirty", "free", "huge", "locked", "mapped", "shmem", "tables", "total",
    )  # fmt: skip

    def __init__(self, kernel: Kernel) -> None:
        ram, cache = kernel.machine.ram, kernel.cache
        self.total = ram.n_frames
        self.free = ram.n_frames - cache.n_used
        shared = _shared(kernel)
        self.shmem = sum(len(pages.frames) for pages in shared)
        n_files = cache.n_shown
        self.cached = n_files + self.shmem
        self.tables = sum(space.page_table.n_tables + 1 for space in cache.spaces)
        self.anonymous = max(0, cache.n_used - self.cached - self.tables)
        counts = ram.counts
        mapped = [*shared, *cache.files.values()]
        self.mapped = sum(sum(counts[frame] > 1 for frame in pages.frames.values()) for pages in mapped)
        self.dirty = sum(len(pages.writable) for pages in cache.files.values())
        self.huge = LARGE_PAGES * sum(len(space.page_table.large) for space in cache.spaces)
        areas = [vma for space in cache.spaces for vma in space.vmas]
        self.locked = sum(vma.n_pages for vma in areas if vma.flags & VM_LOCKED)
        self.committed = self.shmem + sum(vma.n_pages for vma in areas if vma.flags & VM_ACCOUNT)

    @property
    def files(self) -> int:
        """Of the page cache, what is of files."""
        return self.cached - self.shmem

    @property
    def available(self) -> int:
        """What could be had: file pages can be read again."""
        return self.free + max(0, self.files - self.dirty)


def _shared(kernel: Kernel) -> list[Pages]:
    """What is shared memory: mapped, a segment, an open memfd, or a file of a tmpfs."""
    found: dict[int, Pages] = {}
    for space in kernel.cache.spaces:
        for vma in space.vmas:
            if vma.pages is not None and not isinstance(vma.pages, CachedFile):
                found[id(vma.pages)] = vma.pages
    for pages in kernel.cache.shared:
        found[id(pages)] = pages
    return list(found.values())


def meminfo(kernel: Kernel) -> bytes:
    """The text of meminfo."""
    memory = Memory(kernel)
    active_files = memory.files // 2
    rows = (
        ("MemTotal", memory.total), ("MemFree", memory.free), ("MemAvailable", memory.available), ("Buffers", 0),
        ("Cached", memory.cached), ("SwapCached", 0), ("Active", memory.anonymous + active_files),
        ("Inactive", memory.shmem + memory.files - active_files), ("Active(anon)", memory.anonymous),
        ("Inactive(anon)", memory.shmem), ("Active(file)", active_files),
        ("Inactive(file)", memory.files - active_files), ("Unevictable", memory.locked), ("Mlocked", memory.locked),
        ("SwapTotal", 0), ("SwapFree", 0), ("Zswap", 0), ("Zswapped", 0), ("Dirty", memory.dirty), ("Writeback", 0),
        ("AnonPages", memory.anonymous), ("Mapped", memory.mapped), ("Shmem", memory.shmem), ("KReclaimable", 0),
        ("Slab", 0), ("SReclaimable", 0), ("SUnreclaim", 0), ("KernelStack", 0), ("PageTables", memory.tables),
        ("SecPageTables", 0), ("NFS_Unstable", 0), ("Bounce", 0), ("WritebackTmp", 0),
        ("CommitLimit", memory.total // 2), ("Committed_AS", memory.committed), ("VmallocTotal", 0),
        ("VmallocUsed", 0), ("VmallocChunk", 0), ("Percpu", 0), ("HardwareCorrupted", 0),
        ("AnonHugePages", memory.huge), ("ShmemHugePages", 0), ("ShmemPmdMapped", 0), ("FileHugePages", 0),
        ("FilePmdMapped", 0),
    )  # fmt: skip
    lines = [f"{name + ':':16}{n_pages * _KIB_PER_PAGE:8} kB\n" for name, n_pages in rows]
    lines += [
        f"{name:16}{0:8}\n" for name in ("HugePages_Total:", "HugePages_Free:", "HugePages_Rsvd:", "HugePages_Surp:")
    ]
    total_kib = memory.total * _KIB_PER_PAGE
    lines += [f"{'Hugepagesize:':16}{2048:8} kB\n", f"{'Hugetlb:':16}{0:8} kB\n"]
    lines += [f"{'DirectMap4k:':16}{0:8} kB\n", f"{'DirectMap2M:':16}{total_kib:8} kB\n"]
    return "".join(lines).replace(*_VMALLOC).encode()


_ZERO_STATS = (
    "nr_zone_write_pending", "nr_bounce", "nr_zspages", "nr_free_cma", "numa_miss", "numa_foreign",
    "numa_interleave", "numa_other",
)  # fmt: skip


def _node_stats(memory: Memory) -> list[tuple[str, int]]:
    active_files = memory.files // 2
    return [
        ("nr_inactive_anon", memory.shmem), ("nr_active_anon", memory.anonymous),
        ("nr_inactive_file", memory.files - active_files), ("nr_active_file", active_files),
        ("nr_unevictable", memory.locked), ("nr_slab_reclaimable", 0), ("nr_slab_unreclaimable", 0),
        ("nr_isolated_anon", 0), ("nr_isolated_file", 0), ("nr_anon_pages", memory.anonymous),
        ("nr_mapped", memory.mapped), ("nr_file_pages", memory.cached), ("nr_dirty", memory.dirty),
        ("nr_writeback", 0), ("nr_writeback_temp", 0), ("nr_shmem", memory.shmem), ("nr_shmem_hugepages", 0),
        ("nr_shmem_pmdmapped", 0), ("nr_file_hugepages", 0), ("nr_file_pmdmapped", 0),
        ("nr_anon_transparent_hugepages", memory.huge // LARGE_PAGES), ("nr_vmscan_write", 0),
        ("nr_vmscan_immediate_reclaim", 0), ("nr_dirtied", 0), ("nr_written", 0), ("nr_kernel_stack", 0),
        ("nr_page_table_pages", memory.tables), ("nr_sec_page_table_pages", 0), ("nr_swapcached", 0),
    ]  # fmt: skip


def vmstat(kernel: Kernel) -> bytes:
    """The text of vmstat: names as 6.1 has them, as far as there is something to count."""
    from pyuk.kernel.proc.system import CpuTimes  # noqa: PLC0415

    memory, usage = Memory(kernel), CpuTimes(kernel).usage
    n_faults = usage.n_minor + usage.n_major
    rows = [
        ("nr_free_pages", memory.free), ("nr_zone_inactive_anon", memory.shmem),
        ("nr_zone_active_anon", memory.anonymous), ("nr_zone_inactive_file", memory.files - memory.files // 2),
        ("nr_zone_active_file", memory.files // 2), ("nr_zone_unevictable", memory.locked),
        ("nr_mlock", memory.locked), *((name, 0) for name in _ZERO_STATS[:4]), ("numa_hit", n_faults),
        *((name, 0) for name in _ZERO_STATS[4:]), ("numa_local", n_faults), *_node_stats(memory),
        ("nr_dirty_threshold", memory.available // 5), ("nr_dirty_background_threshold", memory.available // 10),
        ("pgpgin", usage.read_bytes >> 10), ("pgpgout", usage.write_bytes >> 10), ("pswpin", 0), ("pswpout", 0),
        ("pgfault", n_faults), ("pgmajfault", usage.n_major), ("oom_kill", 0), ("unevictable_pgs_mlocked", 0),
        ("swap_ra", 0), ("swap_ra_hit", 0),
    ]  # fmt: skip
    return "".join([f"{name} {number}\n" for name, number in rows]).encode()


def zoneinfo(kernel: Kernel) -> Iterator[bytes]:
    """One zone, which has all frames."""
    memory = Memory(kernel)
    stats = "".join([f"\n      {name:<12} {number}" for name, number in _node_stats(memory)])
    head = f"Node 0, zone   Normal\n  per-node stats{stats}\n"
    sizes = "".join(
        f"\n        {name:<9}{number}"
        for name, number in (
            ("boost", 0), ("min", 0), ("low", 0), ("high", 0), ("spanned", memory.total), ("present", memory.total),
            ("managed", memory.total), ("cma", 0),
        )
    )  # fmt: skip
    yield f"{head}  pages free     {memory.free}{sizes}\n        protection: (0)\n".encode()


def buddyinfo(kernel: Kernel) -> bytes:
    """Frames are given out one by one, or by 512: free blocks of order 0 and 9. Order 10 is the largest."""
    ram = kernel.machine.ram
    n_free = ram.n_frames - kernel.cache.n_used
    orders = [n_free % LARGE_PAGES, *[0] * 8, n_free // LARGE_PAGES, 0]
    return ("Node 0, zone   Normal " + "".join([f"{n:6} " for n in orders]) + "\n").encode()
