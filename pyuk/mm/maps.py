"""The text of /proc/PID/maps. Source: Linux 6.1 fs/proc/task_mmu.c (show_map_vma); proc(5)."""

from __future__ import annotations

import os

from pyuk.machine.paging import PAGE_SHIFT
from pyuk.mm.vma import VM_EXEC, VM_MAYSHARE, VM_READ, VM_WRITE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.mm.space import AddressSpace
    from pyuk.mm.vma import Vma

_NAME_COLUMN = 73
_SHMEM_DEV = 1
VSYSCALL = "ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]\n"


def maps(space: AddressSpace) -> str:
    """One line for each area; paths that are not UTF-8 have surrogates (os.fsdecode)."""
    return "".join([line(space, vma) for vma in space.vmas]) + VSYSCALL


def line(space: AddressSpace, vma: Vma) -> str:
    """An area's line."""
    flags, backing = vma.flags, vma.backing
    rights = (
        ("r" if flags & VM_READ else "-") + ("w" if flags & VM_WRITE else "-") + ("x" if flags & VM_EXEC else "-")
        + ("s" if flags & VM_MAYSHARE else "p")
    )  # fmt: skip
    offset = dev = ino = 0
    if backing is not None:
        offset, dev, ino = vma.pgoff << PAGE_SHIFT, backing.dev, backing.ino
    elif vma.pages is not None and not vma.name:
        offset, dev, ino = vma.pgoff << PAGE_SHIFT, _SHMEM_DEV, vma.pages.serial
    text = f"{vma.start:08x}-{vma.end:08x} {rights} {offset:08x} {os.major(dev):02x}:{os.minor(dev):02x} {ino} "
    name = area_name(space, vma)
    return f"{text:{_NAME_COLUMN}}{name}\n" if name else f"{text}\n"


def area_name(space: AddressSpace, vma: Vma) -> str:
    """The last column."""
    if vma.backing is not None:
        return os.fsdecode(vma.backing.path).replace("\n", "\\012")
    if vma.name:
        return os.fsdecode(vma.name)
    if vma.pages is not None:
        return "/dev/zero (deleted)"
    if vma.start <= space.brk and vma.end > space.start_brk:
        return "[heap]"
    if vma.start <= space.start_stack < vma.end:
        return "[stack]"
    return ""
