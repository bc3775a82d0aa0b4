"""The sorted set of areas: searching, splitting, merging, and the hole that mmap takes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pyuk.mm.vma import VM_GROWSDOWN, VM_READ, VM_WRITE, Vma, VmaSet, mergeable

PAGE = 4096
LOW, HIGH = 16, 80  # pages
FLAGS = (VM_READ, VM_READ | VM_WRITE, VM_READ | VM_WRITE | VM_GROWSDOWN)

actions = st.one_of(
    st.tuples(st.just("place"), st.integers(1, 20), st.sampled_from(FLAGS)),
    st.tuples(st.just("place"), st.integers(1, 3), st.sampled_from(FLAGS)),
    st.tuples(st.just("cut"), st.integers(LOW, HIGH), st.integers(1, 20)),
    st.tuples(st.just("fix"), st.integers(LOW, HIGH), st.integers(1, 5)),
)


def area(first: int, n_pages: int, flags: int) -> Vma:
    """Anonymous memory, by pages."""
    return Vma(first * PAGE, (first + n_pages) * PAGE, flags, first)


def holes(used: dict[int, int], n_pages: int) -> list[int]:
    """Every page where n_pages fit: free, and the next area above keeps its guard gap if it is a growing one."""
    found = []
    for first in range(LOW, HIGH - n_pages + 1):
        end = first + n_pages
        above = min((page for page in used if page >= end), default=None)
        guarded = above is not None and used[above] & VM_GROWSDOWN and end > above - 256
        if not guarded and not any(page in used for page in range(first, end)):
            found.append(first)
    return found


@given(st.lists(actions, max_size=40))
def test_holes_are_the_highest_and_the_lowest(steps: list[tuple[str, int, int]]) -> None:
    """gap_below and gap_above find what a search page by page finds, whatever came and went before."""
    vmas = VmaSet()
    used: dict[int, int] = {}
    for action, first, second in steps:
        if action != "place":
            vmas.cut(first * PAGE, (first + second) * PAGE)
            for page in range(first, first + second):
                used.pop(page, None)
            if action == "fix":
                vmas.add(area(first, second, VM_READ))
                used.update(dict.fromkeys(range(first, first + second), VM_READ))
        else:
            fits = holes(used, first)
            lowest = vmas.gap_above(first * PAGE, LOW * PAGE, HIGH * PAGE)
            highest = vmas.gap_below(first * PAGE, LOW * PAGE, HIGH * PAGE)
            assert lowest == (fits[0] * PAGE if fits else None)
            assert highest == (fits[-1] * PAGE if fits else None)
            if highest is not None:
                start = highest // PAGE
                added = area(start, first, second)
                vmas.add(added)
                vmas.merge(added)
                used.update(dict.fromkeys(range(start, start + first), second))
        vmas.check_invariants()


def test_find_and_neighbours() -> None:
    """find is the area that contains an address, from_address the first that ends above it, before the last below."""
    vmas = VmaSet()
    lower, upper = area(16, 2, VM_READ), area(20, 1, VM_READ)
    for vma in (upper, lower):
        vmas.add(vma)
    assert [vmas.find(page * PAGE) for page in (15, 16, 17, 18, 20, 21)] == [None, lower, lower, None, upper, None]
    assert [vmas.from_address(page * PAGE) for page in (0, 16, 18, 21)] == [lower, lower, upper, None]
    assert [vmas.before(page * PAGE) for page in (16, 17, 20, 30)] == [None, lower, lower, upper]
    assert vmas.overlapping(17 * PAGE, 20 * PAGE) == [lower]
    assert vmas.overlapping(17 * PAGE, 20 * PAGE + 1) == [lower, upper]


def test_isolate_splits_at_both_edges() -> None:
    """What is inside comes back alone; the parts outside keep their pages' numbers."""
    vmas = VmaSet()
    vmas.add(area(16, 8, VM_READ))
    (inside,) = vmas.isolate(18 * PAGE, 20 * PAGE)
    assert [(v.start // PAGE, v.n_pages, v.pgoff) for v in vmas] == [(16, 2, 16), (18, 2, 18), (20, 4, 20)]
    assert vmas.merge(inside).n_pages == 8
    assert len(vmas) == 1


def test_a_cloned_area_does_not_merge_with_a_fresh_one() -> None:
    """is_mergeable_anon_vma: after fork an area with pages stays apart from one without."""
    lower, upper = area(16, 1, VM_READ), area(17, 1, VM_READ)
    assert mergeable(lower, upper)
    lower.anon_vma = 5
    assert mergeable(lower, upper)
    lower.forked = True
    assert not mergeable(lower, upper)
    upper.anon_vma = 5
    assert mergeable(lower, upper)
