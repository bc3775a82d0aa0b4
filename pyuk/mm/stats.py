"""What a program's memory cost, for people: `pyuk run --stats`, after `time -v` and FreeBSD's `procstat -v`."""

from __future__ import annotations

from pyuk.machine.paging import PAGE_BYTES
from pyuk.mm.maps import area_name
from pyuk.mm.smaps import measure, resident_pages
from pyuk.mm.vma import VM_EXEC, VM_MAYSHARE, VM_READ, VM_WRITE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.mm.space import AddressSpace

_KIB = 1024
_HEAD = f"{'START':>14} {'END':>14} PRT  {'RES kB':>8} {'ANON kB':>8} {'COW kB':>8} {'2M':>4} PATH"


def report(space: AddressSpace, n_tlb_flushes: int, n_frames_dropped: int) -> str:
    """The table of areas and the counters; the space is at its end, but still there.

    The last two are the machine's, all processes together: full flushes of the TLB, and frames whose translated code
    was thrown away.
    """
    rows = (
        *totals(space).items(),
        ("TLB flushes of the machine", n_tlb_flushes),
        ("Frames whose translations were dropped", n_frames_dropped),
    )
    lines = [_HEAD, *_areas(space), "", *(f"{name}: {value}" for name, value in rows)]
    return "\n".join(lines) + "\n"


def totals(space: AddressSpace) -> dict[str, int]:
    """What one address space has used and caused, by name."""
    space.note_peaks()
    anonymous, file, shmem = resident_pages(space)
    return {
        "Maximum resident set size (kbytes)": space.peak_rss_pages * 4,
        "Resident at the end: anonymous (kbytes)": anonymous * 4,
        "Resident at the end: file (kbytes)": file * 4,
        "Resident at the end: shared memory (kbytes)": shmem * 4,
        "Maximum mapped (kbytes)": space.peak_pages * 4,
        "Page faults: minor (page or right was there)": space.n_minor,
        "Page faults: demand-zero": space.n_demand_zero,
        "Page faults: copy-on-write": space.n_cow,
        "Page faults: file read": space.n_file,
        "Pages mapped around file faults": space.n_around,
        "2 MiB pages made": space.n_large,
        "TLB flushes asked for by this memory": space.n_flushes,
    }


def _areas(space: AddressSpace) -> list[str]:
    lines = []
    for vma in space.vmas:
        sizes = measure(space, vma)
        rights = "".join(
            letter if vma.flags & bit else "-" for letter, bit in (("r", VM_READ), ("w", VM_WRITE), ("x", VM_EXEC))
        ) + ("s" if vma.flags & VM_MAYSHARE else "p")
        is_private = not vma.flags & VM_MAYSHARE
        n_shared = sizes.shared_clean + sizes.shared_dirty if is_private and vma.flags & VM_WRITE else 0
        lines.append(
            f"{vma.start:14x} {vma.end:14x} {rights} {sizes.rss // _KIB:8} {sizes.anonymous // _KIB:8} "
            f"{n_shared // _KIB:8} {sizes.huge // PAGE_BYTES // 512:4} {area_name(space, vma)}".rstrip()
        )
    return lines
