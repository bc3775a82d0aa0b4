"""What /proc says of an address space in numbers: smaps, smaps_rollup, statm, and the Vm lines of status.

Source: Linux 6.1 fs/proc/task_mmu.c (show_smap, task_mem, task_statm), mm/memory.c (page_mapcount); proc(5).
Deviation: no soft-dirty bits; VmPeak and VmHWM miss a peak that ended with the unmapping of less than 1 MiB.
"""

from __future__ import annotations

from pyuk.machine.paging import FRAME_MASK, LARGE_BYTES, LARGE_PAGES, LARGE_SHIFT, PAGE_BYTES, PAGE_SHIFT, PS, A, D
from pyuk.mm import maps, ptes
from pyuk.mm.vma import (
    VM_ACCOUNT,
    VM_DONTCOPY,
    VM_DONTDUMP,
    VM_DONTEXPAND,
    VM_EXEC,
    VM_GROWSDOWN,
    VM_HUGEPAGE,
    VM_LOCKED,
    VM_MAYEXEC,
    VM_MAYREAD,
    VM_MAYSHARE,
    VM_MAYWRITE,
    VM_MERGEABLE,
    VM_NOHUGEPAGE,
    VM_NORESERVE,
    VM_RAND_READ,
    VM_READ,
    VM_SEQ_READ,
    VM_SHARED,
    VM_WIPEONFORK,
    VM_WRITE,
)  # fmt: skip

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyuk.mm.space import AddressSpace
    from pyuk.mm.vma import Vma

_KIB = 1024
_VM_FLAGS = (
    (VM_READ, "rd"), (VM_WRITE, "wr"), (VM_EXEC, "ex"), (VM_SHARED, "sh"), (VM_MAYREAD, "mr"), (VM_MAYWRITE, "mw"),
    (VM_MAYEXEC, "me"), (VM_MAYSHARE, "ms"), (VM_GROWSDOWN, "gd"), (VM_LOCKED, "lo"), (VM_SEQ_READ, "sr"),
    (VM_RAND_READ, "rr"), (VM_DONTCOPY, "dc"), (VM_DONTEXPAND, "de"), (VM_ACCOUNT, "ac"), (VM_NORESERVE, "nr"),
    (VM_WIPEONFORK, "wf"), (VM_DONTDUMP, "dd"), (VM_HUGEPAGE, "hg"), (VM_NOHUGEPAGE, "nh"), (VM_MERGEABLE, "mg"),
)  # fmt: skip


class Sizes:
    """What an area, or several, has in RAM. Units: bytes; pss is exact to a fraction of one."""

    __slots__ = (
        "anonymous", "huge", "locked", "private_clean", "private_dirty", "pss", "pss_anonymous", "pss_dirty",
        "pss_file", "pss_shmem", "referenced", "rss", "shared_clean", "shared_dirty",
    )  # fmt: skip

    def __init__(self) -> None:
        self.rss = self.anonymous = self.huge = self.referenced = 0
        self.private_clean = self.private_dirty = self.shared_clean = self.shared_dirty = 0
        self.pss = self.pss_anonymous = self.pss_dirty = self.pss_file = self.pss_shmem = self.locked = 0.0

    def add(self, other: Sizes) -> None:
        """Both together."""
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


def measure(space: AddressSpace, vma: Vma) -> Sizes:
    """Walk an area's pages; nothing changes."""
    sizes = Sizes()
    ram, table = space.ram, space.page_table
    counts, frames = ram.counts, {} if vma.pages is None else vma.pages.frames
    written = set() if vma.pages is None else vma.pages.writable
    for region in ptes.regions(table, vma.start, vma.end):
        low, high = max(vma.start, region << LARGE_SHIFT), min(vma.end, region + 1 << LARGE_SHIFT)
        slot = table.large.get(region)
        if slot is not None:
            entry = ram.words[slot] & ~PS
            n_bytes = high - low
            _count(sizes, vma, n_bytes, counts[(entry & FRAME_MASK) >> PAGE_SHIFT], entry, kind="pss_anonymous")
            sizes.huge += n_bytes if n_bytes == LARGE_BYTES else 0
            continue
        base = table.leaves[region]
        n_more = counts[base >> 9] - 1  # who shares the table maps its pages too
        first = base + (low >> PAGE_SHIFT & 511)
        page = vma.page_at(low)
        for entry in ram.words[first : first + (high - low >> PAGE_SHIFT)].tolist():
            if entry:
                frame = (entry & FRAME_MASK) >> PAGE_SHIFT
                cached = frames.get(page) == frame
                kind = "pss_anonymous" if not cached else "pss_shmem" if _is_shmem(vma) else "pss_file"
                dirty = D if cached and page in written else 0
                _count(sizes, vma, PAGE_BYTES, counts[frame] - cached + n_more, entry | dirty, kind=kind)
            page += 1
    return sizes


def _is_shmem(vma: Vma) -> bool:
    return vma.backing is None or vma.backing.pages is not None


def _count(sizes: Sizes, vma: Vma, n_bytes: int, n_mapped: int, entry: int, *, kind: str) -> None:
    sizes.rss += n_bytes
    share = n_bytes / n_mapped
    sizes.pss += share
    setattr(sizes, kind, getattr(sizes, kind) + share)
    is_anonymous = kind == "pss_anonymous"
    dirty = entry & D or is_anonymous
    if is_anonymous:
        sizes.anonymous += n_bytes
    if dirty:
        sizes.pss_dirty += share
    if entry & A:
        sizes.referenced += n_bytes
    if vma.flags & VM_LOCKED:
        sizes.locked += share
    name = ("shared_" if n_mapped > 1 else "private_") + ("dirty" if dirty else "clean")
    setattr(sizes, name, getattr(sizes, name) + n_bytes)


def smaps(space: AddressSpace) -> str:
    """The text of /proc/PID/smaps."""
    return "".join(records(space))


def records(space: AddressSpace) -> Iterator[str]:
    """The same an area at a time."""
    for vma in list(space.vmas):
        yield _smap(space, vma)
    yield maps.VSYSCALL + _VSYSCALL_NUMBERS


def _smap(space: AddressSpace, vma: Vma) -> str:
    flags = " ".join([name for bit, name in _VM_FLAGS if vma.flags & bit])
    head = f"{maps.line(space, vma)}{_kib('Size', vma.end - vma.start)}{_kib('KernelPageSize', PAGE_BYTES)}"
    eligible = _thp_eligible(vma)
    numbers = _kib("MMUPageSize", PAGE_BYTES) + _numbers(measure(space, vma), rollup=False)
    return f"{head}{numbers}THPeligible:    {eligible}\nVmFlags: {flags} \n"


def _thp_eligible(vma: Vma) -> int:
    start = vma.start + LARGE_BYTES - 1 & -LARGE_BYTES
    fits = start + LARGE_BYTES <= vma.end
    return int(fits and vma.pages is None and not vma.flags & (VM_NOHUGEPAGE | VM_EXEC))


def smaps_rollup(space: AddressSpace) -> str:
    """The text of /proc/PID/smaps_rollup."""
    total = Sizes()
    for vma in space.vmas:
        total.add(measure(space, vma))
    areas = space.vmas.areas
    start, end = (areas[0].start, areas[-1].end) if areas else (0, 0)
    head = f"{start:08x}-{end:08x} ---p 00000000 00:00 0"
    return f"{head:73}[rollup]\n{_numbers(total, rollup=True)}"


def _kib(name: str, n_bytes: float) -> str:
    return f"{name + ':':15} {int(n_bytes) // _KIB:8} kB\n"


def _numbers(sizes: Sizes, *, rollup: bool) -> str:
    lines: list[tuple[str, float]] = [("Rss", sizes.rss), ("Pss", sizes.pss), ("Pss_Dirty", sizes.pss_dirty)]
    if rollup:
        lines += [
            ("Pss_Anon", sizes.pss_anonymous), ("Pss_File", sizes.pss_file), ("Pss_Shmem", sizes.pss_shmem),
        ]  # fmt: skip
    lines += [
        ("Shared_Clean", sizes.shared_clean), ("Shared_Dirty", sizes.shared_dirty),
        ("Private_Clean", sizes.private_clean), ("Private_Dirty", sizes.private_dirty),
        ("Referenced", sizes.referenced), ("Anonymous", sizes.anonymous), ("LazyFree", 0),
        ("AnonHugePages", sizes.huge), ("ShmemPmdMapped", 0), ("FilePmdMapped", 0), ("Shared_Hugetlb", 0),
        ("Private_Hugetlb", 0), ("Swap", 0), ("SwapPss", 0), ("Locked", sizes.locked),
    ]  # fmt: skip
    return "".join([_kib(name, n_bytes) for name, n_bytes in lines])


_VSYSCALL_NUMBERS = (
    _kib("Size", PAGE_BYTES) + _kib("KernelPageSize", PAGE_BYTES) + _kib("MMUPageSize", PAGE_BYTES)
    + _numbers(Sizes(), rollup=False) + "THPeligible:    0\nVmFlags: ex \n"
)  # fmt: skip


def resident_pages(space: AddressSpace) -> tuple[int, int, int]:
    """Anonymous, file and shared-memory pages: RssAnon, RssFile, RssShmem."""
    anonymous = LARGE_PAGES * len(space.page_table.large)
    file = shmem = 0
    words = space.ram.words
    leaves = space.page_table.leaves
    for vma in space.vmas:
        frames = None if vma.pages is None else vma.pages.frames
        for region in ptes.regions(space.page_table, vma.start, vma.end):
            base = leaves.get(region)
            if base is None:
                continue
            low, high = max(vma.start, region << LARGE_SHIFT), min(vma.end, region + 1 << LARGE_SHIFT)
            first = base + (low >> PAGE_SHIFT & 511)
            entries = words[first : first + (high - low >> PAGE_SHIFT)].tolist()
            n_present = len(entries) - entries.count(0)
            if frames is None:
                anonymous += n_present
                continue
            page = vma.page_at(low)
            n_cached = sum(
                1 for at, entry in enumerate(entries, page) if entry and frames.get(at) == (entry & FRAME_MASK) >> 12
            )
            anonymous += n_present - n_cached
            if _is_shmem(vma):
                shmem += n_cached
            else:
                file += n_cached
    return anonymous, file, shmem


def text_pages(space: AddressSpace) -> int:
    """VmExe: the program's own code."""
    start, end = space.code_range
    return (end + PAGE_BYTES - 1 >> PAGE_SHIFT) - (start >> PAGE_SHIFT)


def _pages_of(space: AddressSpace, wanted: int, among: int) -> int:
    return sum(vma.end - vma.start for vma in space.vmas if vma.flags & among == wanted) >> PAGE_SHIFT


def statm(space: AddressSpace) -> str:
    """The text of /proc/PID/statm: size resident shared text lib data dt, in pages."""
    anonymous, file, shmem = resident_pages(space)
    n_data = space.n_data_pages + _pages_of(space, VM_GROWSDOWN, VM_GROWSDOWN)
    return f"{space.n_mapped_pages} {anonymous + file + shmem} {file + shmem} {text_pages(space)} 0 {n_data} 0\n"


def status_lines(space: AddressSpace) -> list[str]:
    """The lines of /proc/PID/status from VmPeak to THP_enabled."""
    anonymous, file, shmem = resident_pages(space)
    space.note_peaks()
    n_text = text_pages(space)
    n_code = _pages_of(space, VM_EXEC, VM_EXEC | VM_WRITE | VM_GROWSDOWN)
    locked = sum(vma.end - vma.start for vma in space.vmas if vma.flags & VM_LOCKED) >> PAGE_SHIFT
    rows = (
        ("VmPeak", space.peak_pages), ("VmSize", space.n_mapped_pages), ("VmLck", locked), ("VmPin", 0),
        ("VmHWM", space.peak_rss_pages), ("VmRSS", anonymous + file + shmem), ("RssAnon", anonymous),
        ("RssFile", file), ("RssShmem", shmem), ("VmData", space.n_data_pages),
        ("VmStk", _pages_of(space, VM_GROWSDOWN, VM_GROWSDOWN)), ("VmExe", n_text), ("VmLib", max(n_code - n_text, 0)),
        ("VmPTE", space.page_table.n_tables), ("VmSwap", 0),
    )  # fmt: skip
    lines = [f"{name}:\t{n_pages * 4:8} kB" for name, n_pages in rows]
    return [*lines, "HugetlbPages:\t       0 kB", "CoreDumping:\t0", "THP_enabled:\t1"]
