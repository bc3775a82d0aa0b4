"""The files of a process that are about its memory (Linux 6.1 fs/proc/base.c, fs/proc/task_mmu.c)."""

from __future__ import annotations

from struct import pack

from pyuk.abi.errno import EINVAL, SyscallError
from pyuk.machine.paging import LARGE_SHIFT, PAGE_BYTES, PAGE_SHIFT, A
from pyuk.mm import maps, ptes, smaps

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyuk.kernel.proc.subject import Subject
    from pyuk.mm.space import AddressSpace
    from pyuk.mm.vma import Vma

_U64 = (1 << 64) - 1


def map_records(mm: AddressSpace) -> Iterator[bytes]:
    """maps: a line for each area."""
    return iter(mm.maps().encode("utf-8", "surrogateescape").splitlines(keepends=True))


def smap_records(mm: AddressSpace) -> Iterator[bytes]:
    """smaps: the lines of an area are one record."""
    for text in smaps.records(mm):
        yield text.encode("utf-8", "surrogateescape")


def numa_records(mm: AddressSpace) -> Iterator[bytes]:
    """numa_maps: everything is on node 0, under the default policy."""
    for vma in list(mm.vmas):
        sizes = smaps.measure(mm, vma)
        words = [b"%08x default" % vma.start, *_backing_word(mm, vma)]
        n_pages, n_anon = sizes.rss // PAGE_BYTES, sizes.anonymous // PAGE_BYTES
        n_dirty = (sizes.shared_dirty + sizes.private_dirty) // PAGE_BYTES
        if n_pages:
            words += [b"%b=%d" % (name, n) for name, n in ((b"anon", n_anon), (b"dirty", n_dirty)) if n]
            if n_pages not in (n_anon, n_dirty):
                words.append(b"mapped=%d" % n_pages)
            words += [b"N0=%d" % n_pages, b"kernelpagesize_kB=4"]
        yield b" ".join(words) + b"\n"


def _backing_word(mm: AddressSpace, vma: Vma) -> list[bytes]:
    name = maps.area_name(mm, vma).encode("utf-8", "surrogateescape")
    if vma.backing is not None:
        return [b"file=" + name.replace(b"\\", b"\\134").replace(b"=", b"\\075").replace(b" ", b"\\040")]
    return [name.strip(b"[]")] if name in (b"[heap]", b"[stack]") else []


def rollup_records(mm: AddressSpace) -> tuple[bytes]:
    """smaps_rollup."""
    return (smaps.smaps_rollup(mm).encode(),)


def auxv(subject: Subject, _mm: AddressSpace) -> bytes:
    """The pairs of the auxiliary vector, with its AT_NULL."""
    pairs = subject.process.loaded.auxv
    return b"".join(pack("<QQ", tag & _U64, value & _U64) for tag, value in pairs)


def environ(subject: Subject, mm: AddressSpace) -> bytes:
    """The environment as it stands in memory now."""
    start, end = mm.env_range
    return subject.task.mem.peek(start, end - start)


def cmdline(subject: Subject) -> bytes:
    """The arguments as they stand in memory now; or what was written over them (setproctitle(3); get_mm_cmdline)."""
    mm = subject.mm
    if mm is None:
        return b""
    mem = subject.task.mem
    (start, end), (env_start, env_end) = mm.arg_range, mm.env_range
    if start >= end:
        return b""
    if mem.peek(end - 1, 1) in (b"\0", b""):
        return mem.peek(start, end - start)
    if env_start != end or env_end < env_start:
        env_end = end
    text = mem.peek(start, PAGE_BYTES)
    title = text.partition(b"\0")[0]
    return text[: min(len(title) + 1, env_end - start)]


def clear_refs(subject: Subject, data: bytes, _offset: int) -> int:
    """Make pages look as if nobody had used them. Deviation: soft-dirty bits (4) are not kept.

    Errors: EINVAL no number from 1 to 5.
    """
    text = data[:12].strip()
    kind = int(text) if text.isdigit() else 0
    if not 1 <= kind <= 5:  # noqa: PLR2004  # enum clear_refs_types
        raise SyscallError(EINVAL)
    mm = subject.mm
    if mm is None or kind == 4:  # noqa: PLR2004
        return len(data)
    if kind == 5:  # noqa: PLR2004
        mm.peak_rss_pages = mm.rss_pages
        return len(data)
    for vma in mm.vmas:
        if kind == 1 or (kind == 2) == (vma.backing is None):  # noqa: PLR2004
            _clear(mm, vma)
    mm.machine.flush_tlb()
    return len(data)


def _clear(mm: AddressSpace, vma: Vma) -> None:
    words, table = mm.ram.words, mm.page_table
    for region in ptes.regions(table, vma.start, vma.end):
        slot = table.large.get(region)
        if slot is not None:
            words[slot] &= ~A & _U64
            continue
        low, high = max(vma.start, region << LARGE_SHIFT), min(vma.end, region + 1 << LARGE_SHIFT)
        first = table.leaves[region] + (low >> PAGE_SHIFT & 511)
        for at in range(first, first + (high - low >> PAGE_SHIFT)):
            if words[at] & A:
                words[at] &= ~A & _U64
