"""Work on runs of page-table entries: clear, protect, copy, move.

Only last-level tables that exist are visited, so a reservation of terabytes costs nothing. Each function flushes
what it must: an entry without A was never in the TLB, and one that only gains rights needs no flush.
"""

from __future__ import annotations

from pyuk.machine.paging import FRAME_MASK, LARGE_SHIFT, NX, PAGE_BYTES, PAGE_SHIFT, A, D, P, W
from pyuk.mm.vma import VM_EXEC, VM_SHARED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyuk.abi.types import FrameNr
    from pyuk.machine.paging import PageTable
    from pyuk.mm.space import AddressSpace
    from pyuk.mm.vma import Vma

_LEAF_BYTES = 1 << LARGE_SHIFT
_FLUSH_PAGES_MAX = 4
_ZEROS = memoryview(bytes(PAGE_BYTES)).cast("Q")


def runs(table: PageTable, start: int, end: int) -> Iterator[tuple[int, int, int]]:
    """The parts of [start, end) that have a last-level table: first word, last word + 1, address of the first."""
    leaves = table.leaves
    first, last = start >> LARGE_SHIFT, end - 1 >> LARGE_SHIFT
    regions: Iterator[int] | list[int] | range = range(first, last + 1)
    if last - first > len(leaves):
        regions = sorted(region for region in leaves if first <= region <= last)
    for region in regions:
        base = leaves.get(region)
        if base is not None:
            low = max(start, region << LARGE_SHIFT)
            high = min(end, region + 1 << LARGE_SHIFT)
            n_pages = high - low >> PAGE_SHIFT
            at = base + (low >> PAGE_SHIFT & 511)
            yield at, at + n_pages, low


def flush(space: AddressSpace, stale: list[int], n_stale: int) -> None:
    """Forget n_stale pages, of which `stale` has the first few."""
    if not n_stale:
        return
    space.n_flushes += 1
    if n_stale <= _FLUSH_PAGES_MAX:
        for va in stale:
            space.machine.flush_page(va)
    else:
        space.machine.flush_tlb()


def clear(space: AddressSpace, start: int, end: int) -> None:
    """Make [start, end) absent and let go of its frames."""
    ram = space.ram
    words, counts, release = ram.words, ram.counts, ram.release
    stale: list[int] = []
    n_stale = 0
    for low, high, va in runs(space.page_table, start, end):
        entries = words[low:high].tolist()
        if not any(entries):
            continue
        words[low:high] = _ZEROS[: high - low]
        for index, entry in enumerate(entries):
            if entry:
                if entry & A:
                    n_stale += 1
                    if n_stale <= _FLUSH_PAGES_MAX:
                        stale.append(va + (index << PAGE_SHIFT))
                frame = (entry & FRAME_MASK) >> PAGE_SHIFT
                if counts[frame] == 1:
                    release(frame)  # type: ignore[arg-type]
                else:
                    counts[frame] -= 1
    flush(space, stale, n_stale)


def release_all(space: AddressSpace) -> None:
    """Let go of every frame of a space that no CPU uses any more; the tables themselves stay."""
    ram = space.ram
    words, counts, release = ram.words, ram.counts, ram.release
    for base in space.page_table.leaves.values():
        for entry in words[base : base + 512].tolist():
            if entry:
                frame = (entry & FRAME_MASK) >> PAGE_SHIFT
                if counts[frame] == 1:
                    release(frame)  # type: ignore[arg-type]
                else:
                    counts[frame] -= 1


def drop_leaves(space: AddressSpace, start: int, end: int) -> None:
    """Free the last-level tables of [start, end) that no area uses any more."""
    leaves = space.page_table.leaves
    vmas = space.vmas
    first, last = start >> LARGE_SHIFT, end - 1 >> LARGE_SHIFT
    regions: list[int] | range = range(first, last + 1)
    if last - first > len(leaves):
        regions = [region for region in leaves if first <= region <= last]
    for region in regions:
        if region in leaves:
            above = vmas.from_address(region << LARGE_SHIFT)
            if above is None or above.start >= region + 1 << LARGE_SHIFT:
                space.page_table.drop_leaf(region << LARGE_SHIFT)


def protect(space: AddressSpace, vma: Vma) -> None:
    """Bring the entries of an area to its new rights.

    A right that may be had only after a look (W on a page that others count too, X beside a writer) is left to
    the fault that wants it.
    """
    ram = space.ram
    words, counts, executable = ram.words, ram.counts, ram.executable
    shared = vma.flags & VM_SHARED
    pages = vma.pages
    may_execute = vma.flags & VM_EXEC and not (pages is not None and pages.writable)
    rights = vma.entry & ~(A | W)
    if not may_execute:
        rights |= NX
    may_write = vma.entry & W
    stale: list[int] = []
    n_stale = 0
    for low, high, va in runs(space.page_table, vma.start, vma.end):
        entries = words[low:high].tolist()
        if not any(entries):
            continue
        for index, entry in enumerate(entries):
            if not entry:
                continue
            frame = (entry & FRAME_MASK) >> PAGE_SHIFT
            new = entry & (FRAME_MASK | A | D) | rights
            if may_write and (entry & W if shared else counts[frame] == 1):
                new |= W
            if may_execute:
                executable[frame] = 1
            words[low + index] = new
            if entry & A and (entry & ~new & (P | W) or new & ~entry & NX):
                n_stale += 1
                if n_stale <= _FLUSH_PAGES_MAX:
                    stale.append(va + (index << PAGE_SHIFT))
    flush(space, stale, n_stale)


def write_protect(space: AddressSpace, start: int, end: int) -> None:
    """Take W from [start, end): the next write faults (after msync wrote the pages back)."""
    words = space.ram.words
    n_stale = 0
    for low, high, _va in runs(space.page_table, start, end):
        for index, entry in enumerate(words[low:high].tolist(), low):
            if entry & W:
                words[index] = entry & ~W
                n_stale += 1
    if n_stale:
        flush(space, [], _FLUSH_PAGES_MAX + 1)


def clear_frames(space: AddressSpace, vma: Vma, frames: set[FrameNr]) -> None:
    """Make the entries of an area absent that show one of these frames."""
    ram = space.ram
    words = ram.words
    n_cleared = 0
    for low, high, _va in runs(space.page_table, vma.start, vma.end):
        for index, entry in enumerate(words[low:high].tolist(), low):
            frame: FrameNr = (entry & FRAME_MASK) >> PAGE_SHIFT  # type: ignore[assignment]
            if entry and frame in frames:
                words[index] = 0
                ram.release(frame)
                n_cleared += 1
    if n_cleared:
        flush(space, [], _FLUSH_PAGES_MAX + 1)


def share(parent: AddressSpace, child: AddressSpace, vma: Vma) -> None:
    """Give a child the private pages of an area: both may only read them until one copies (fork)."""
    ram = parent.ram
    words, counts = ram.words, ram.counts
    for low, high, va in runs(parent.page_table, vma.start, vma.end):
        entries = words[low:high].tolist()
        if not any(entries):
            continue
        target = child.page_table.leaf(va) + (va >> PAGE_SHIFT & 511)
        for index, entry in enumerate(entries):
            if entry:
                words[low + index] = entry & ~W
                words[target + index] = entry & ~(W | A)
                counts[(entry & FRAME_MASK) >> PAGE_SHIFT] += 1


def move(space: AddressSpace, start: int, end: int, target: int) -> None:
    """Let the pages of [start, end) stand at target instead (mremap)."""
    ram = space.ram
    words, table = ram.words, space.page_table
    n_moved = 0
    for low, high, va in runs(table, start, end):
        entries = words[low:high].tolist()
        if not any(entries):
            continue
        words[low:high] = _ZEROS[: high - low]
        for index, entry in enumerate(entries):
            if entry:
                table.set(target + va - start + (index << PAGE_SHIFT), entry & ~A)
                n_moved += 1
    if n_moved:
        flush(space, [], _FLUSH_PAGES_MAX + 1)
