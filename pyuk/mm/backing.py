"""What a mapping needs of the things around it: the machine, limits, and the file behind it."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from pyuk.abi.types import FrameNr
    from pyuk.machine.paging import PageTable
    from pyuk.machine.ram import Ram
    from pyuk.mm.pages import Pages

    class Machine(Protocol):
        """RAM, page tables, and the ways to make the CPU forget."""

        @property
        def ram(self) -> Ram: ...
        @property
        def rip(self) -> int: ...
        def single_step(self) -> bool: ...
        def end_single_step(self) -> None: ...
        def new_page_table(self) -> PageTable: ...
        def flush_tlb(self) -> None: ...
        def flush_page(self, va: int, /) -> None: ...
        def drop_translations(self, frames: list[FrameNr], /) -> None: ...

    class Limits(Protocol):
        """Resource limits by RLIMIT number; a space asks for RLIMIT_AS, _DATA, _STACK and _MEMLOCK."""

        soft: list[int]
        hard: list[int]

    class Backing(Protocol):
        """A mapped file; it outlives close(2) until every mapping has dropped it.

        `key` changes whenever the bytes may have: (dev, ino, size, mtime_ns, ctime_ns).
        preadv and pwritev return the number of bytes; less than asked for is the end of the file.
        """

        @property
        def pages(self) -> Pages | None:
            """The pages, where they are nowhere else (SharedMemory); None: the page cache has them."""

        def map_flags(self, vm_flags: int, /) -> int:
            """The VM_ flags that a new area may have. Errors: EPERM a seal."""

        @property
        def key(self) -> tuple[int, int, int, int, int]: ...
        @property
        def size_bytes(self) -> int: ...
        @property
        def path(self) -> bytes: ...
        @property
        def dev(self) -> int: ...
        @property
        def ino(self) -> int: ...
        def punch(self, offset: int, length: int, /) -> None:
            """Make a hole (MADV_REMOVE). Errors: EPERM, EOPNOTSUPP."""

        def preadv(self, slices: list[memoryview], offset: int, /) -> int: ...
        def pwritev(self, slices: list[memoryview], offset: int, /) -> int: ...
        def hold(self) -> object: ...
        def drop(self) -> None: ...
