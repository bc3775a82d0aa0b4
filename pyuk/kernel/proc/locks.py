"""/proc/locks: who has locked what (Linux 6.1 fs/locks.c, lock_get_status)."""

from __future__ import annotations

from pyuk.fs.stat import kernel_device

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyuk.kernel.kernel import Kernel


def locks(kernel: Kernel) -> Iterator[bytes]:
    """A line for each lock."""
    if kernel.locks is None:
        return
    for number, (kind, is_write, pid, dev, ino, start, end) in enumerate(kernel.locks.listing(), 1):
        shown = kernel_device(dev)
        last = b"EOF" if end >> 63 else b"%d" % (end - 1)
        yield b"%d: %-6b ADVISORY  %-5b %d %02x:%02x:%d %d %b\n" % (
            number, kind, b"WRITE" if is_write else b"READ", pid, shown >> 20, shown & 0xFFFFF, ino, start, last,
        )  # fmt: skip
