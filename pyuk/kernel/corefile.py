"""What stands in a core file (core(5)): notes about the process and its threads, and its memory.

Source: Linux 6.1 fs/binfmt_elf.c (elf_core_dump, fill_note_info), fs/coredump.c (vma_dump_size),
include/linux/elfcore.h.
"""

from __future__ import annotations

import struct

from pyuk.abi.ptrace import NT_AUXV, NT_FILE, NT_PRFPREG, NT_PRPSINFO, NT_PRSTATUS, NT_SIGINFO
from pyuk.abi.time import NSEC_PER_SEC
from pyuk.kernel.ptrace_regs import LAYOUT, read_fxsave, registers_of
from pyuk.kernel.usage import process_times, task_times
from pyuk.machine.paging import FRAME_MASK, PAGE_BYTES, PAGE_SHIFT
from pyuk.mm.vma import VM_DONTDUMP, VM_EXEC, VM_READ, VM_SHARED, VM_WRITE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyuk.kernel.signals import Siginfo
    from pyuk.kernel.task import Task
    from pyuk.mm.vma import Vma

# /proc/PID/coredump_filter
_ANON_PRIVATE, _ANON_SHARED, _MAPPED_PRIVATE, _MAPPED_SHARED, _ELF_HEADERS = (1 << bit for bit in range(5))

_EHDR = struct.Struct("<16sHHIQQQIHHHHHH")
_PHDR = struct.Struct("<IIQQQQQQ")
_IDENT = b"\x7fELF\2\1\1".ljust(16, b"\0")
_ET_CORE, _EM_X86_64 = 4, 62
_PT_LOAD, _PT_NOTE = 1, 4
_PF_X, _PF_W, _PF_R = 1, 2, 4
_PRSTATUS = struct.Struct("<iiihxxQQiiii8q216si4x")
_PRPSINFO = struct.Struct("<bcbb4xQIIiiii16s80s")
_PSARGS_BYTES = 79
_ELF_MAGIC = b"\x7fELF"
_NS_PER_US = 1000


class Segment:
    """One area, and how much of it is dumped."""

    __slots__ = ("n_bytes", "vma")

    def __init__(self, vma: Vma, n_bytes: int) -> None:
        self.vma = vma
        self.n_bytes = n_bytes


def segments_of(task: Task) -> list[Segment]:
    """All areas in order, with what coredump_filter and MADV_DONTDUMP leave of them."""
    chosen = task.process.settings.coredump_filter
    return [Segment(vma, _dump_bytes(task, vma, chosen)) for vma in task.mm.vmas]


def _dump_bytes(task: Task, vma: Vma, chosen: int) -> int:
    whole = vma.end - vma.start
    if vma.name.startswith(b"[v"):  # [vdso], [vvar]: what the kernel has put there
        return whole
    if vma.flags & VM_DONTDUMP:
        return 0
    if vma.flags & VM_SHARED:
        is_named = vma.backing is not None and not vma.backing.path.endswith(b" (deleted)")
        return whole if chosen & (_MAPPED_SHARED if is_named else _ANON_SHARED) else 0
    if vma.anon_vma and chosen & _ANON_PRIVATE:
        return whole
    if vma.backing is None:
        return 0
    if chosen & _MAPPED_PRIVATE:
        return whole
    is_start = vma.pgoff == 0 and vma.flags & VM_READ and chosen & _ELF_HEADERS
    return PAGE_BYTES if is_start and task.mem.peek(vma.start, 4) == _ELF_MAGIC else 0


def header(task: Task, info: Siginfo, segments: list[Segment]) -> bytes:
    """Everything before the memory, up to the page where that begins."""
    notes = b"".join(_notes(task, info))
    n_headers = len(segments) + 1
    notes_at = _EHDR.size + n_headers * _PHDR.size
    at = notes_at + len(notes) + PAGE_BYTES - 1 & -PAGE_BYTES
    parts = [
        _EHDR.pack(
            _IDENT, _ET_CORE, _EM_X86_64, 1, 0, _EHDR.size, 0, 0, _EHDR.size, _PHDR.size, n_headers, 0, 0, 0
        ),
        _PHDR.pack(_PT_NOTE, 0, notes_at, 0, 0, len(notes), 0, 0),
    ]  # fmt: skip
    first = at
    for segment in segments:
        vma = segment.vma
        flags = sum(bit for bit, vm in ((_PF_R, VM_READ), (_PF_W, VM_WRITE), (_PF_X, VM_EXEC)) if vma.flags & vm)
        length = vma.end - vma.start
        parts.append(_PHDR.pack(_PT_LOAD, flags, at, vma.start, 0, segment.n_bytes, length, PAGE_BYTES))
        at += segment.n_bytes
    return b"".join([*parts, notes]).ljust(first, b"\0")


def pages_of(task: Task, segment: Segment) -> Iterator[memoryview | bytes | None]:
    """The contents of each page that is dumped, None for one that was never touched."""
    space, start = task.mm, segment.vma.start
    ram, entry_of = space.ram, space.page_table.entry
    for address in range(start, start + segment.n_bytes, PAGE_BYTES):
        entry = entry_of(address)
        if entry:
            yield ram.frame((entry & FRAME_MASK) >> PAGE_SHIFT)  # type: ignore[arg-type]
        elif segment.vma.pages is None:
            yield None
        else:
            yield task.mem.peek(address, PAGE_BYTES) or None


# Notes


def _note(kind: int, data: bytes, name: bytes = b"CORE\0") -> bytes:
    head = struct.pack("<III", len(name), len(data), kind)
    return head + name.ljust(len(name) + 3 & ~3, b"\0") + data.ljust(len(data) + 3 & ~3, b"\0")


def _notes(task: Task, info: Siginfo) -> Iterator[bytes]:
    """Those of the thread that dumps, with the process's behind its status; then those of the others."""
    process = task.process
    yield _note(NT_PRSTATUS, _status(task, info))
    yield _note(NT_PRPSINFO, _process_info(task))
    yield _note(NT_SIGINFO, info.pack())
    yield _note(
        NT_AUXV, b"".join(struct.pack("<QQ", tag & (1 << 64) - 1, value) for tag, value in process.loaded.auxv)
    )  # fmt: skip
    yield _note(NT_FILE, _files(task))
    yield _note(NT_PRFPREG, read_fxsave(task))
    for other in process.tasks:
        if other is not task:
            yield _note(NT_PRSTATUS, _status(other, info))
            yield _note(NT_PRFPREG, read_fxsave(other))


def _status(task: Task, info: Siginfo) -> bytes:
    """struct elf_prstatus."""
    process = task.process
    own = process_times(process) if task.tid == process.pid else task_times(task)
    times = (*own, process.children_user_ns, process.children_system_ns)
    timevals = [part for ns in times for part in (ns // NSEC_PER_SEC, ns % NSEC_PER_SEC // _NS_PER_US)]
    return _PRSTATUS.pack(
        info.signo, 0, 0, info.signo, task.pending.mask, task.blocked, task.tid, process.parent_pid, process.pgid,
        process.sid, *timevals, LAYOUT.pack(*registers_of(task)), 1,
    )  # fmt: skip


def _process_info(task: Task) -> bytes:
    """struct elf_prpsinfo."""
    process, creds, strings = task.process, task.creds, task.process.loaded.strings
    n_bytes = min(strings.arg_end - strings.arg_start, _PSARGS_BYTES)
    arguments = task.mem.peek(strings.arg_start, n_bytes).replace(b"\0", b" ")
    return _PRPSINFO.pack(
        0, b"R", 0, task.nice, 0, creds.uid, creds.gid, process.pid, process.parent_pid, process.pgid, process.sid,
        task.comm, arguments,
    )  # fmt: skip


def _files(task: Task) -> bytes:
    """Which files are mapped where, in pages."""
    mapped = [vma for vma in task.mm.vmas if vma.backing is not None]
    words = [struct.pack("<QQ", len(mapped), PAGE_BYTES)]
    words += [struct.pack("<QQQ", vma.start, vma.end, vma.pgoff) for vma in mapped]
    names = [vma.backing.path + b"\0" for vma in mapped if vma.backing is not None]
    return b"".join(words + names)
