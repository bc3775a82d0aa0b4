"""Work on runs of page-table entries: clear, protect, copy, move.

Only last-level tables that exist are visited, so a reservation of terabytes costs nothing. Each function flushes
what it must: an entry without A was never in the TLB, and one that only gains rights needs no flush.
"""

from __future__ import annotations

from struct import pack_into

from pyuk.machine.paging import FRAME_MASK, LARGE_SHIFT, NX, PAGE_BYTES, PAGE_SHIFT, A, D, P, W
from pyuk.mm.vma import VM_SHARED

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


def flush_seen(space: AddressSpace, va: int, entries: list[int]) -> bool:
    """Forget those of a run's entries that the TLB may hold; says whether it forgot everything.

    `va` is the address of the first entry. A few pages go one by one.
    """
    seen = [index for index, entry in enumerate(entries) if entry & A]
    if not seen:
        return False
    space.n_flushes += 1
    if len(seen) > _FLUSH_PAGES_MAX:
        space.machine.flush_tlb()
        return True
    for index in seen:
        space.machine.flush_page(va + (index << PAGE_SHIFT))
    return False


def clear(space: AddressSpace, start: int, end: int) -> None:
    """Make [start, end) absent and let go of its frames."""
    words, release_all = space.ram.words, space.ram.release_all
    flushed = False
    for low, high, va in runs(space.page_table, start, end):
        entries = words[low:high].tolist()
        if any(entries):
            words[low:high] = _ZEROS[: high - low]
            if not flushed:
                flushed = flush_seen(space, va, entries)
            release_all([(entry & FRAME_MASK) >> 12 for entry in entries if entry])  # type: ignore[misc]


def release_all(space: AddressSpace) -> None:
    """Let go of every frame of a space that no CPU uses any more; the tables themselves stay."""
    ram = space.ram
    for base in space.page_table.leaves.values():
        entries = ram.words[base : base + 512].tolist()
        ram.release_all([(entry & FRAME_MASK) >> 12 for entry in entries if entry])  # type: ignore[misc]


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


def protect(space: AddressSpace, vma: Vma, old_rights: int) -> None:
    """Bring the entries of an area to its new rights; `old_rights` is what Vma.entry was.

    A right that may be had only after a look (W on a page that others count too, X beside a writer) is left to
    the fault that wants it.
    """
    ram = space.ram
    words, counts = ram.words, ram.counts
    pages = vma.pages
    rights = vma.entry & ~(A | W)
    if pages is not None and pages.writable:
        rights |= NX
    runs_code = not rights & NX
    loses = old_rights & ~vma.entry & (P | W) or rights & ~old_rights & NX
    keeps = FRAME_MASK | A | D
    if vma.flags & VM_SHARED:
        keeps |= vma.entry & W
    looks = vma.entry & W and not vma.flags & VM_SHARED
    flushed = False
    for low, high, va in runs(space.page_table, vma.start, vma.end):
        entries = words[low:high].tolist()
        if not any(entries):
            continue
        new = [entry and entry & keeps | rights for entry in entries]
        if looks:
            new = [entry | W if entry and counts[(entry & FRAME_MASK) >> 12] == 1 else entry for entry in new]
        pack_into(f"{high - low}Q", ram.bytes, low << 3, *new)
        if runs_code:
            executable = ram.executable
            for entry in new:
                if entry:
                    executable[(entry & FRAME_MASK) >> 12] = 1
        if loses and not flushed:
            flushed = flush_seen(space, va, entries)


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
        space.machine.flush_tlb()
        space.n_flushes += 1


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
        space.machine.flush_tlb()
        space.n_flushes += 1


def share(parent: AddressSpace, child: AddressSpace, vma: Vma) -> None:
    """Give a child the private pages of an area: both may only read them until one copies (fork)."""
    ram = parent.ram
    words, counts = ram.words, ram.counts
    for low, high, va in runs(parent.page_table, vma.start, vma.end):
        entries = words[low:high].tolist()
        if not any(entries):
            continue
        target = child.page_table.leaf(va) + (va >> PAGE_SHIFT & 511)
        layout = f"{high - low}Q"
        pack_into(layout, ram.bytes, low << 3, *[entry & ~W for entry in entries])
        pack_into(layout, ram.bytes, target << 3, *[entry & ~(W | A) for entry in entries])
        for entry in entries:
            if entry:
                counts[(entry & FRAME_MASK) >> 12] += 1


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
        space.machine.flush_tlb()
        space.n_flushes += 1
