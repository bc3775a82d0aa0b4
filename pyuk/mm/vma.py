"""Virtual memory areas: who may do what at which addresses, and the sorted set of them.

A VMA set knows nothing of page tables: splitting and merging never touch a page.
Source: Linux 6.1 mm/mmap.c (vma_merge, __split_vma), include/linux/mm.h (VM_ flags).
"""

from __future__ import annotations

from _bisect import bisect_left, bisect_right  # the bisect module defines them in Python first

from pyuk.machine.paging import NX, PAGE_MASK, PAGE_SHIFT, TASK_SIZE, A, P, U, W

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyuk.mm.backing import Backing
    from pyuk.mm.pages import Pages

# include/linux/mm.h; the first three equal PROT_READ, PROT_WRITE, PROT_EXEC, and << 4 gives their MAY bit.
VM_READ, VM_WRITE, VM_EXEC, VM_SHARED = 0x1, 0x2, 0x4, 0x8
VM_MAYREAD, VM_MAYWRITE, VM_MAYEXEC, VM_MAYSHARE = 0x10, 0x20, 0x40, 0x80
VM_GROWSDOWN = 0x100
VM_LOCKED = 0x2000
VM_SEQ_READ, VM_RAND_READ = 0x8000, 0x10000
VM_DONTCOPY, VM_DONTEXPAND = 0x20000, 0x40000
VM_LOCKONFAULT = 0x80000
VM_ACCOUNT, VM_NORESERVE = 0x100000, 0x200000
VM_WIPEONFORK, VM_DONTDUMP = 0x2000000, 0x4000000
VM_HUGEPAGE, VM_NOHUGEPAGE, VM_MERGEABLE = 0x20000000, 0x40000000, 0x80000000

VM_ACCESS = VM_READ | VM_WRITE | VM_EXEC

STACK_GUARD_GAP_BYTES = 256 << PAGE_SHIFT


class Vma:
    """One area [start, end) of equal rights and one origin.

    Invariants: page aligned, start < end; `entry` is what its present pages' table entries carry beside the frame,
    and follows `flags` (set both by `set_flags`); `pages` is None exactly for private anonymous memory;
    page n of the area is page pgoff + n of `pages`. `anon_vma` is 0 until the area has a private page of its own,
    then the number that Linux's anon_vma pointer would be: areas of different numbers do not merge.
    """

    __slots__ = ("anon_vma", "backing", "end", "entry", "flags", "forked", "name", "pages", "pgoff", "start")

    def __init__(
        self, start: int, end: int, flags: int, pgoff: int, pages: Pages | None = None, backing: Backing | None = None,
        name: bytes = b"",
    ) -> None:  # fmt: skip
        """`name` is for areas that are neither file, heap nor stack ("[vdso]")."""
        self.start = start
        self.end = end
        self.pgoff = pgoff
        self.pages = pages
        self.backing = backing
        self.name = name
        self.anon_vma = 0
        self.forked = False
        self.flags = 0
        self.entry = 0
        self.set_flags(flags)

    def set_flags(self, flags: int) -> None:
        """Change the VM_ flags; writing implies reading, and so does executing, as x86 has it."""
        self.flags = flags
        entry = A | U
        if flags & VM_ACCESS:
            entry |= P
        if flags & VM_WRITE:
            entry |= W
        if not flags & VM_EXEC:
            entry |= NX
        self.entry = entry

    @property
    def n_pages(self) -> int:
        """Length in pages."""
        return self.end - self.start >> PAGE_SHIFT

    @property
    def prot(self) -> int:
        """PROT_ bits."""
        return self.flags & VM_ACCESS

    @property
    def guarded_start(self) -> int:
        """Where its neighbours below must end: a stack keeps room to be missed in (vm_start_gap)."""
        if self.flags & VM_GROWSDOWN:
            return max(self.start - STACK_GUARD_GAP_BYTES, 0)
        return self.start

    def page_at(self, va: int) -> int:
        """The page of `pages` that stands at va."""
        return self.pgoff + (va - self.start >> PAGE_SHIFT)

    def hold(self) -> None:
        """One area more refers to the file and its pages."""
        if self.backing is not None:
            self.backing.hold()
        if self.pages is not None:
            self.pages.hold()

    def drop(self) -> None:
        """The area is gone."""
        if self.pages is not None:
            self.pages.drop()
        if self.backing is not None:
            self.backing.drop()

    def twin(self) -> Vma:
        """A second area of the same origin and place, for a split or a fork; it holds what it refers to."""
        twin = Vma(self.start, self.end, self.flags, self.pgoff, self.pages, self.backing, self.name)
        twin.anon_vma = self.anon_vma
        twin.forked = self.forked
        twin.hold()
        return twin

    def __repr__(self) -> str:
        bits = ("r", VM_READ), ("w", VM_WRITE), ("x", VM_EXEC), ("s", VM_MAYSHARE)
        rights = "".join(letter if self.flags & bit else "-" for letter, bit in bits)
        return f"<Vma {self.start:x}-{self.end:x} {rights} pgoff {self.pgoff:x}>"


def mergeable(lower: Vma, upper: Vma) -> bool:
    """Whether two areas may become one: adjacent, equal, and their pages in sequence (can_vma_merge_after)."""
    return (
        lower.end == upper.start
        and lower.flags == upper.flags
        and lower.pages is upper.pages
        and lower.backing is upper.backing
        and not lower.name
        and not upper.name
        and lower.pgoff + lower.n_pages == upper.pgoff
        and _anon_vmas_agree(lower, upper)
    )


def _anon_vmas_agree(lower: Vma, upper: Vma) -> bool:
    """is_mergeable_anon_vma: one has none yet, and the other was not cloned by fork; or both have the same."""
    if lower.anon_vma and upper.anon_vma:
        return lower.anon_vma == upper.anon_vma
    return not (lower.forked or upper.forked)


class VmaSet:
    """The areas of one address space in order.

    Invariants: starts[i] == areas[i].start, ascending; areas do not overlap.
    Every gap of at least _full_bytes that ends at or below a top-down search's limit lies below _full_above.
    """

    __slots__ = ("_full_above", "_full_bytes", "areas", "starts")

    def __init__(self) -> None:
        self.areas: list[Vma] = []
        self.starts: list[int] = []
        self._full_above = self._full_bytes = 0

    def __iter__(self) -> Iterator[Vma]:
        return iter(self.areas)

    def __len__(self) -> int:
        return len(self.areas)

    def find(self, va: int) -> Vma | None:
        """The area that contains va."""
        index = bisect_right(self.starts, va) - 1
        if index >= 0:
            vma = self.areas[index]
            if va < vma.end:
                return vma
        return None

    def index_from(self, va: int) -> int:
        """The index of the first area that ends above va (Linux's find_vma); len(self) if there is none."""
        index = bisect_right(self.starts, va)
        if index and self.areas[index - 1].end > va:
            return index - 1
        return index

    def from_address(self, va: int) -> Vma | None:
        """The first area that ends above va."""
        index = self.index_from(va)
        return self.areas[index] if index < len(self.areas) else None

    def before(self, va: int) -> Vma | None:
        """The last area that starts below va."""
        index = bisect_left(self.starts, va)
        return self.areas[index - 1] if index else None

    def overlapping(self, start: int, end: int) -> list[Vma]:
        """The areas that intersect [start, end), in order."""
        return self.areas[self.index_from(start) : bisect_left(self.starts, end)]

    def add(self, vma: Vma) -> None:
        """Insert an area into a hole."""
        index = bisect_left(self.starts, vma.start)
        self.areas.insert(index, vma)
        self.starts.insert(index, vma.start)
        if vma.end > self._full_above:  # what lay in a guard gap may now lie below a plain area
            self._full_bytes = 0

    def append(self, vma: Vma) -> None:
        """Insert an area above all others."""
        self.areas.append(vma)
        self.starts.append(vma.start)
        self._full_bytes = 0

    def cut(self, start: int, end: int) -> list[Vma]:
        """Take out all of [start, end), splitting at its edges; dropping what they hold is the caller's business."""
        gone = self.isolate(start, end)
        if gone:
            first = bisect_left(self.starts, gone[0].start)
            del self.areas[first : first + len(gone)], self.starts[first : first + len(gone)]
            self._full_bytes = 0
        return gone

    def split(self, vma: Vma, va: int) -> Vma:
        """Cut an area in two at va, inside it; gives the upper part."""
        upper = vma.twin()
        upper.pgoff += va - vma.start >> PAGE_SHIFT
        upper.start = vma.end = va
        index = bisect_right(self.starts, vma.start)
        self.areas.insert(index, upper)
        self.starts.insert(index, va)
        return upper

    def isolate(self, start: int, end: int) -> list[Vma]:
        """The areas of [start, end), after splitting those that reach over its edges."""
        areas = self.areas
        first = self.index_from(start)
        if first < len(areas) and areas[first].start < start:
            self.split(areas[first], start)
            first += 1
        last = bisect_left(self.starts, end)
        if last > first and areas[last - 1].end > end:
            self.split(areas[last - 1], end)
        return areas[first:last]

    def merge(self, vma: Vma) -> Vma:
        """Join an area with its neighbours where Linux would; gives the area that now covers it."""
        areas, starts = self.areas, self.starts
        index = bisect_left(starts, vma.start)
        if index and mergeable(areas[index - 1], vma):
            index -= 1
            vma = self._join(index)
        if index + 1 < len(areas) and mergeable(vma, areas[index + 1]):
            vma = self._join(index)
        return vma

    def _join(self, index: int) -> Vma:
        lower, upper = self.areas[index], self.areas[index + 1]
        lower.end = upper.end
        lower.anon_vma = lower.anon_vma or upper.anon_vma
        upper.drop()
        del self.areas[index + 1], self.starts[index + 1]
        return lower

    def gap_below(self, length: int, low: int, high: int) -> int | None:
        """Where length bytes fit at the top of the highest hole within [low, high); None if nowhere."""
        limit = high
        if length >= self._full_bytes > 0 and self._full_above < limit:
            limit = self._full_above
        areas = self.areas
        index = bisect_left(self.starts, limit)
        # Only the next area's guard gap counts, not that of one behind it.
        top = min(limit, areas[index].guarded_start) if index < len(areas) else limit
        while index:
            index -= 1
            below = areas[index]
            if top - below.end >= length:
                break
            top = min(limit, below.guarded_start)
        if top - length < low:
            return None
        if not self._full_bytes or length <= self._full_bytes:
            self._full_above, self._full_bytes = top, length
        return top - length

    def gap_above(self, length: int, low: int, high: int) -> int | None:
        """The start of the lowest hole of length bytes within [low, high)."""
        index = self.index_from(low)
        for vma in self.areas[index:]:
            if vma.guarded_start - low >= length:
                break
            low = max(low, vma.end)
        return low if low + length <= high else None

    def check_invariants(self) -> None:
        """Raise AssertionError where the set is not what its docstring says."""
        end = 0
        for start, vma in zip(self.starts, self.areas, strict=True):
            entry = vma.entry
            vma.set_flags(vma.flags)
            sound = start == vma.start and end <= start < vma.end <= TASK_SIZE and not (start | vma.end) & PAGE_MASK
            if not sound or entry != vma.entry:
                raise AssertionError(self.areas)
            end = vma.end
