"""Work on runs of page-table entries: clear, protect, copy, move.

Only regions that have a table or a 2 MiB page are visited, so a reservation of terabytes costs nothing. Each function
flushes what it must: an entry without A was never in the TLB, and one that only gains rights needs no flush.
What may fail for want of a frame fails before anything is changed: call `prepare` first.
"""

from __future__ import annotations

from struct import pack_into

from pyuk.abi.errno import ENOMEM, SyscallError
from pyuk.machine.paging import FRAME_MASK, LARGE_BYTES, LARGE_SHIFT, NX, PAGE_BYTES, PAGE_SHIFT, PS, A, D, P, W
from pyuk.mm.vma import VM_SHARED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyuk.abi.types import FrameNr
    from pyuk.machine.paging import PageTable
    from pyuk.mm.space import AddressSpace
    from pyuk.mm.vma import Vma

_IN_REGION = LARGE_BYTES - 1
_FLUSH_PAGES_MAX = 4
_ZEROS = memoryview(bytes(PAGE_BYTES)).cast("Q")


def regions(table: PageTable, start: int, end: int) -> list[int]:
    """The regions of [start, end) that have a table or a 2 MiB page, in order."""
    leaves, large = table.leaves, table.large
    first, last = start >> LARGE_SHIFT, (end - 1 >> LARGE_SHIFT) + 1
    if last - first == 1:
        return [first] if first in leaves or first in large else []
    if last - first > len(leaves) + len(large):
        return sorted([region for region in (*leaves, *large) if first <= region < last])
    return [region for region in range(first, last) if region in leaves or region in large]


def own_shared(table: PageTable, start: int, end: int, *, large: bool) -> None:
    """Own every table of [start, end) that is shared; with `large`, split the 2 MiB pages. Raises OutOfFramesError."""
    for region in regions(table, start, end):
        if large or region not in table.large:
            table.own(region)


def prepare(table: PageTable, start: int, end: int) -> None:
    """Own the tables that [start, end) covers in part. Raises OutOfFramesError."""
    owned = table.owned
    for at in (start, end):
        region = at >> LARGE_SHIFT
        if at & _IN_REGION and region not in owned and (region in table.leaves or region in table.large):
            table.own(region)


def runs(table: PageTable, start: int, end: int) -> Iterator[tuple[int, int, int]]:
    """The parts of [start, end) that have entries, to be changed: first word, last word + 1, address of the first."""
    for region in regions(table, start, end):
        base = table.own(region)
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


def flush_all(space: AddressSpace) -> None:
    """Forget the whole TLB."""
    space.machine.flush_tlb()
    space.n_flushes += 1


def clear(space: AddressSpace, start: int, end: int) -> None:
    """Make [start, end) absent and let go of its frames."""
    ram, table = space.ram, space.page_table
    words = ram.words
    flushed = False
    for region in regions(table, start, end):
        low, high = max(start, region << LARGE_SHIFT), min(end, region + 1 << LARGE_SHIFT)
        if high - low == LARGE_BYTES and _clear_region(space, region):
            if not flushed:
                flush_all(space)
                flushed = True
            continue
        base = table.own(region)
        first = base + (low >> PAGE_SHIFT & 511)
        last = first + (high - low >> PAGE_SHIFT)
        entries = words[first:last].tolist()
        if any(entries):
            words[first:last] = _ZEROS[: last - first]
            if not flushed:
                flushed = flush_seen(space, low, entries)
            ram.release_all([(entry & FRAME_MASK) >> 12 for entry in entries if entry])  # type: ignore[misc]
        if high - low == LARGE_BYTES:
            table.drop_leaf(region)


def _clear_region(space: AddressSpace, region: int) -> bool:
    """Clear a region that is a 2 MiB page or whose table others have too; False where it is neither."""
    ram, table = space.ram, space.page_table
    if region in table.large:
        ram.release_run((table.clear_large(region) & FRAME_MASK) >> PAGE_SHIFT)  # type: ignore[arg-type]
        return True
    if ram.counts[table.leaves[region] >> 9] > 1:
        table.drop_leaf(region)
        return True
    return False


def release_all(space: AddressSpace) -> None:
    """Let go of every frame of a space that no CPU uses any more; the tables themselves stay."""
    ram, table = space.ram, space.page_table
    for base in table.leaves.values():
        if ram.counts[base >> 9] == 1:
            entries = ram.words[base : base + 512].tolist()
            ram.release_all([(entry & FRAME_MASK) >> 12 for entry in entries if entry])  # type: ignore[misc]
    for region in list(table.large):
        ram.release_run((table.clear_large(region) & FRAME_MASK) >> PAGE_SHIFT)  # type: ignore[arg-type]


def drop_leaves(space: AddressSpace, start: int, end: int) -> None:
    """Free the last-level tables of [start, end) that no area uses any more."""
    leaves = space.page_table.leaves
    vmas = space.vmas
    for region in regions(space.page_table, start, end):
        if region in leaves:
            above = vmas.from_address(region << LARGE_SHIFT)
            if above is None or above.start >= region + 1 << LARGE_SHIFT:
                space.page_table.drop_leaf(region)


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
    table = space.page_table
    if table.large and not runs_code:
        flushed = _protect_large(space, vma, rights) and bool(loses)
        if flushed:
            flush_all(space)
    for region in regions(table, vma.start, vma.end):
        if region in table.large and not runs_code:
            continue
        va = max(vma.start, region << LARGE_SHIFT)
        low = table.own(region) + (va >> PAGE_SHIFT & 511)
        high = low + (min(vma.end, region + 1 << LARGE_SHIFT) - va >> PAGE_SHIFT)
        entries = words[low:high].tolist()
        if len(entries) == 1 and not runs_code:  # a guard page, a JIT's page: no lists for one
            entry = entries[0]
            if entry:
                is_ours = looks and counts[(entry & FRAME_MASK) >> 12] == 1
                words[low] = entry & keeps | rights | (W if is_ours else 0)
                if loses and not flushed and entry & A:
                    space.machine.flush_page(va)
                    space.n_flushes += 1
            continue
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


def _protect_large(space: AddressSpace, vma: Vma, rights: int) -> bool:
    """The 2 MiB pages of an area that gets no right to execute (it has them whole); says whether there was one."""
    ram, large = space.ram, space.page_table.large
    found = False
    for region in [region for region in large if vma.start >> LARGE_SHIFT <= region < vma.end >> LARGE_SHIFT]:
        slot = large[region]
        entry = ram.words[slot]
        run: FrameNr = (entry & FRAME_MASK) >> PAGE_SHIFT  # type: ignore[assignment]
        alone = ram.is_whole(run) and ram.counts[run] == 1
        ram.words[slot] = entry & (FRAME_MASK | A | D) | PS | rights | (vma.entry & W if alone else 0)
        found = True
    return found


def collapse(space: AddressSpace, vma: Vma, region: int) -> bool:
    """Put a region's pages into a 2 MiB page of their own; false where it has no table. Errors: ENOMEM no run."""
    ram, table = space.ram, space.page_table
    if region in table.large:
        return True
    if region not in table.leaves:
        return False
    base = table.own(region)
    run = ram.alloc_run()
    if not run:
        raise SyscallError(ENOMEM, "no 2 MiB of neighbouring frames")
    entries = ram.words[base : base + 512].tolist()
    for page, entry in enumerate(entries, run):
        if entry:
            ram.frame(page)[:] = ram.frame((entry & FRAME_MASK) >> PAGE_SHIFT)  # type: ignore[arg-type]
    ram.words[base : base + 512] = _ZEROS
    table.drop_leaf(region)
    table.set_large(region, run << PAGE_SHIFT | vma.entry | D)
    if not vma.anon_vma:
        space.prepare_anon_vma(vma)
    space.n_large += 1
    flush_all(space)
    ram.release_all([(entry & FRAME_MASK) >> PAGE_SHIFT for entry in entries if entry])  # type: ignore[misc]
    return True


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
        flush_all(space)


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
        flush_all(space)


def share(parent: AddressSpace, child: AddressSpace, start: int, end: int) -> None:
    """Give a child the pages of [start, end), which lie in regions that it cannot have as a whole (fork)."""
    ram = parent.ram
    words, counts = ram.words, ram.counts
    for low, high, va in runs(parent.page_table, start, end):
        entries = words[low:high].tolist()
        if not any(entries):
            continue
        target = child.page_table.own(va >> LARGE_SHIFT) + (va >> PAGE_SHIFT & 511)
        layout = f"{high - low}Q"
        pack_into(layout, ram.bytes, low << 3, *[entry & ~W for entry in entries])
        pack_into(layout, ram.bytes, target << 3, *[entry & ~(W | A) for entry in entries])
        for entry in entries:
            if entry:
                counts[(entry & FRAME_MASK) >> 12] += 1


def make_room(space: AddressSpace, start: int, end: int, target: int) -> None:
    """Make what `move` will need, so that it cannot fail. Raises OutOfFramesError."""
    table = space.page_table
    prepare(table, start, end)
    for region in regions(table, start, end):
        low, high = max(start, region << LARGE_SHIFT), min(end, region + 1 << LARGE_SHIFT)
        new = low + target - start
        if _moves_whole(low, high, new):
            table.make_room(new >> LARGE_SHIFT)
        else:
            table.own(region)
            table.own(new >> LARGE_SHIFT)
            table.own(new + high - low - 1 >> LARGE_SHIFT)


def _moves_whole(low: int, high: int, target: int) -> bool:
    return high - low == LARGE_BYTES and not target & _IN_REGION


def move(space: AddressSpace, start: int, end: int, target: int) -> None:
    """Let the pages of [start, end) stand at target instead, where nothing is (mremap). `make_room` has been called."""
    ram = space.ram
    words, table = ram.words, space.page_table
    moved = False
    for region in regions(table, start, end):
        low, high = max(start, region << LARGE_SHIFT), min(end, region + 1 << LARGE_SHIFT)
        new = low + target - start
        if _moves_whole(low, high, new):
            moved = True
            there = new >> LARGE_SHIFT
            table.drop_leaf(there)
            if region in table.large:
                table.set_large(there, table.clear_large(region))
            else:
                table.put_leaf(there, table.take_leaf(region))
            continue
        base = table.own(region)
        first = base + (low >> PAGE_SHIFT & 511)
        last = first + (high - low >> PAGE_SHIFT)
        entries = words[first:last].tolist()
        if any(entries):
            words[first:last] = _ZEROS[: last - first]
            for index, entry in enumerate(entries):
                if entry:
                    table.set(new + (index << PAGE_SHIFT), entry & ~A)
                    moved = True
    if moved:
        flush_all(space)
