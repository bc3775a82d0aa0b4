"""/proc/sysvipc/shm (Linux 6.1 ipc/shm.c, sysvipc_shm_proc_show)."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyuk.kernel.kernel import Kernel

_HEAD = (
    b"       key      shmid perms                  size  cpid  lpid nattch   uid   gid  cuid  cgid"
    b"      atime      dtime      ctime                   rss                  swap\n"
)


def shm(kernel: Kernel) -> Iterator[bytes]:
    """A line for each segment."""
    yield _HEAD
    table = kernel.cache.sysv
    if table is None:
        return
    for segment in table.by_index.values():
        key = segment.key_t & 0xFFFFFFFF
        yield b"%10d %10d  %4o %21d %5d %5d  %5d %5d %5d %5d %5d %10d %10d %10d %21d %21d\n" % (
            key - (1 << 32) if key >> 31 else key, segment.ino, segment.mode, segment.size_bytes, segment.cpid,
            segment.lpid, segment.n_attached, segment.uid, segment.gid, segment.cuid, segment.cgid, segment.atime,
            segment.dtime, segment.ctime, len(segment.memory.frames) << 12, 0,
        )  # fmt: skip
