"""The only door to a guest's memory.

Addresses are any number the guest gave. An access checks the range, the area and its rights, faults pages in and
breaks copy-on-write as the CPU would; it never raises a signal but EFAULT, and never expects the caller to check first.
Frames that a guest can execute forget their translations when the kernel writes them.
Source: Linux 6.1 arch/x86/include/asm/uaccess.h (access_ok), lib/usercopy.c, lib/strncpy_from_user.c.
"""

from __future__ import annotations

from pyuk.abi.errno import EFAULT, ENAMETOOLONG, ENOMEM, SyscallError
from pyuk.abi.signal import SIGKILL
from pyuk.machine.paging import FRAME_MASK, LARGE_BYTES, PAGE_BYTES, PAGE_MASK, PAGE_SHIFT, TASK_SIZE, P, W
from pyuk.mm.fault import PF_WRITE
from pyuk.mm.vma import VM_ACCESS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.abi.types import FrameNr
    from pyuk.mm.space import AddressSpace

_LARGE_MASK = LARGE_BYTES - 1
_SIGN_32, _SIGN_64 = 1 << 31, 1 << 63
_SHOWN = FRAME_MASK | P | W
_MOST_LAYOUTS = 64
_shapes: dict[int, tuple[int, int, int]] = {}
"""For so many table entries in one number: what counts of each, 1 in each, and the distance of each from the first."""


def _shape(n_pages: int) -> tuple[int, int, int]:
    ones = sum(1 << 64 * page for page in range(n_pages))
    distances = sum(page << PAGE_SHIFT + 64 * page for page in range(n_pages))
    _shapes[n_pages] = shape = (_SHOWN * ones, ones, distances)
    return shape


class UserMemory:
    """A process's memory as system calls see it.

    Errors of every method: EFAULT at the first byte that the guest may not access so; ENOMEM where guest RAM
    is exhausted. What comes before a bad byte has been written, as on Linux.
    """

    __slots__ = ("_bytes", "_executable", "_layouts", "_leaves", "_owned", "_words", "space")

    def __init__(self, space: AddressSpace) -> None:
        self.space = space
        self._leaves = space.page_table.leaves
        self._owned = space.page_table.owned
        self._words = space.ram.words
        self._executable = space.ram.executable
        self._bytes = space.ram.bytes
        self._layouts: dict[tuple[int, int, bool], tuple[int, list[memoryview], list[slice]]] = {}
        """For buffers whose frames are not neighbours: their table entries as last seen, in one number, what slices()
        gave for that, and the frames. Whoever has the same entries again has the same frames."""

    def read(self, addr: int, n_bytes: int) -> bytes:
        """All of [addr, addr + n_bytes)."""
        offset = addr & PAGE_MASK
        if offset + n_bytes <= PAGE_BYTES:
            base = self._leaves.get(addr >> 21)
            if base is not None:
                entry = self._words[base + (addr >> 12 & 511)]
                if entry & P:
                    at = (entry & FRAME_MASK) + offset
                    return self._bytes[at : at + n_bytes].tobytes()
        return b"".join(self._parts(addr, n_bytes, writing=False))

    def write(self, addr: int, data: bytes | bytearray | memoryview) -> None:
        """Store data at addr."""
        n_bytes = len(data)
        offset = addr & PAGE_MASK
        if offset + n_bytes <= PAGE_BYTES:
            base = self._owned.get(addr >> 21)
            if base is not None:
                entry = self._words[base + (addr >> 12 & 511)]
                if entry & W and entry & P and not self.space.ram.executable[(entry & FRAME_MASK) >> 12]:
                    at = (entry & FRAME_MASK) + offset
                    self._bytes[at : at + n_bytes] = data
                    return
        at = 0
        view = memoryview(data)
        short: SyscallError | None = None
        try:
            parts = self._parts(addr, n_bytes, writing=True)
        except _ShortError as error:
            parts, short = error.parts, SyscallError(error.errno, error.reason)
        for part in parts:
            part[:] = view[at : at + len(part)]
            at += len(part)
        if short is not None:
            raise short

    def read_u64(self, addr: int) -> int:
        """An unsigned 64-bit little-endian number."""
        if not addr & 7:
            base = self._leaves.get(addr >> 21)
            if base is not None:
                entry = self._words[base + (addr >> 12 & 511)]
                if entry & P:
                    return self._words[(entry & FRAME_MASK | addr & PAGE_MASK) >> 3]
        return int.from_bytes(self.read(addr, 8), "little")

    def read_u32(self, addr: int) -> int:
        """An unsigned 32-bit little-endian number."""
        return int.from_bytes(self.read(addr, 4), "little")

    def read_i32(self, addr: int) -> int:
        """A signed 32-bit number."""
        return (self.read_u32(addr) ^ _SIGN_32) - _SIGN_32

    def read_i64(self, addr: int) -> int:
        """A signed 64-bit number."""
        return (self.read_u64(addr) ^ _SIGN_64) - _SIGN_64

    def write_u64(self, addr: int, value: int) -> None:
        """Store the low 64 bits of value."""
        self.write(addr, (value & 0xFFFF_FFFF_FFFF_FFFF).to_bytes(8, "little"))

    def write_u32(self, addr: int, value: int) -> None:
        """Store the low 32 bits of value."""
        self.write(addr, (value & 0xFFFF_FFFF).to_bytes(4, "little"))

    def cstr(self, addr: int, limit: int = 4096) -> bytes:
        """The string at addr without its NUL, which is within limit bytes.

        Errors: ENAMETOOLONG no NUL within limit; EFAULT a bad byte before the NUL.
        """
        found = b""
        while len(found) < limit:
            here = addr + len(found)
            n_bytes = min(PAGE_BYTES - (here & PAGE_MASK), limit - len(found))
            piece = self.read(here, n_bytes)
            nul = piece.find(0)
            if nul >= 0:
                return found + piece[:nul]
            found += piece
        raise SyscallError(ENAMETOOLONG)

    def slices(self, addr: int, n_bytes: int, writing: bool) -> list[memoryview]:  # noqa: FBT001  # contract's signature
        """The guest's own bytes as views of RAM, for preadv and pwritev: the good prefix of the range.

        EFAULT only if not one byte is good. Use them before the guest runs again: they don't follow its page tables.
        """
        base = (self._owned if writing else self._leaves).get(addr >> 21)
        last = addr + n_bytes - 1
        if base is not None and addr <= last and addr >> 21 == last >> 21:
            # One page, or one and a run of neighbours: what most buffers are.
            index = base + (addr >> 12 & 511)
            entry = self._words[index]
            start = entry & FRAME_MASK
            if entry & P and (not writing or (entry & W and not self._executable[start >> PAGE_SHIFT])):
                first = start + (addr & PAGE_MASK)
                n_more = (last >> 12) - (addr >> 12)
                if not n_more:
                    return [self._bytes[first : first + n_bytes]]
                rest = self._next(index + 1, writing) if n_more == 1 else self._run(index + 1, n_more, writing=writing)
                if rest == start + PAGE_BYTES:
                    return [self._bytes[first : first + n_bytes]]
                if rest:
                    n = PAGE_BYTES - (addr & PAGE_MASK)
                    return [self._bytes[first : first + n], self._bytes[rest : rest + n_bytes - n]]
                return self._scattered(addr, n_bytes, index, n_more + 1, writing)
        elif addr >> 21 < last >> 21 and n_bytes < LARGE_BYTES:  # so many entries of one table, so many of the next
            n_first = (last & -LARGE_BYTES) - addr
            parts = self.slices(addr, n_first, writing)
            if sum(map(len, parts)) == n_first:
                try:
                    parts += self.slices(addr + n_first, n_bytes - n_first, writing)
                except SyscallError:
                    pass  # the first part is good
            return parts
        try:
            return self._parts(addr, n_bytes, writing=writing)
        except _ShortError as error:
            if error.parts:
                return error.parts
            raise SyscallError(error.errno, error.reason) from None

    def _scattered(self, addr: int, n_bytes: int, index: int, n_pages: int, writing: bool) -> list[memoryview]:  # noqa: FBT001
        """What slices() gives for n_pages whose entries begin at `index`; as the last time, if they are the same."""
        entries_at, n_entry_bytes = index << 3, n_pages << 3
        shown = (_shapes.get(n_pages) or _shape(n_pages))[0]
        number = int.from_bytes(self._bytes[entries_at : entries_at + n_entry_bytes], "little") & shown
        key = addr, n_bytes, writing
        known = self._layouts.get(key)
        if known is not None and known[0] == number:
            for frames in known[2] if writing else ():
                if 1 in self._executable[frames].tobytes():
                    break
            else:
                return known[1].copy()
        try:
            parts = self._parts(addr, n_bytes, writing=writing)
        except _ShortError as error:
            if error.parts:
                return error.parts
            raise SyscallError(error.errno, error.reason) from None
        if len(self._layouts) >= _MOST_LAYOUTS:
            self._layouts.clear()
        number_now = int.from_bytes(self._bytes[entries_at : entries_at + n_entry_bytes], "little") & shown
        if number_now == number:  # nothing had to be faulted in, and the table has not moved
            self._layouts[key] = number, parts.copy(), self._frames_of(index, n_pages)
        return parts

    def _frames_of(self, index: int, n_pages: int) -> list[slice]:
        """The frames of table entries, neighbours together."""
        found: list[slice] = []
        for entry in self._words[index : index + n_pages]:
            frame = (entry & FRAME_MASK) >> PAGE_SHIFT
            if found and found[-1].stop == frame:
                found[-1] = slice(found[-1].start, frame + 1)
            else:
                found.append(slice(frame, frame + 1))
        return found

    def _next(self, index: int, writing: bool) -> int:  # noqa: FBT001
        """Where the frame of one more page begins, as _run."""
        entry = self._words[index]
        start = entry & FRAME_MASK
        return start if entry & P and (not writing or (entry & W and not self._executable[start >> PAGE_SHIFT])) else 0

    def _run(self, index: int, n_pages: int, *, writing: bool) -> int:
        """Where the frames of n_pages table entries begin, if those let a guest do it and the frames are neighbours.

        0 for anything else, which may be good all the same. `index` counts the words of RAM; the entries are taken as
        one large number.
        """
        entry = self._words[index]
        if not entry & P or (writing and not entry & W):
            return 0
        start = entry & FRAME_MASK
        if n_pages > 1:
            shape = _shapes.get(n_pages) or _shape(n_pages)
            entries = int.from_bytes(self._bytes[index << 3 : index + n_pages << 3], "little") & shape[0]
            if entries != (entry & _SHOWN) * shape[1] + shape[2]:
                return 0
        if writing:
            frame = start >> PAGE_SHIFT
            if 1 in self._executable[frame : frame + n_pages].tobytes():
                return 0
        return start

    def peek(self, addr: int, n_bytes: int) -> bytes:
        """The good prefix of the range for an onlooker: no page is faulted in, nothing changes for the guest."""
        found: list[bytes] = []
        addr = max(addr, 0)
        end = min(addr + n_bytes, TASK_SIZE)
        while addr < end:
            stop = min((addr | PAGE_MASK) + 1, end)
            piece = self._peek_page(addr, stop - addr)
            if piece is None:
                break
            found.append(piece)
            addr = stop
        return b"".join(found)

    def _peek_page(self, addr: int, n_bytes: int) -> bytes | None:
        space = self.space
        entry = space.page_table.entry(addr)
        offset = addr & PAGE_MASK
        if not entry & P:
            vma = space.vmas.find(addr)
            if vma is None or not vma.flags & VM_ACCESS:
                return None
            if vma.pages is None:
                return bytes(n_bytes)
            page = vma.page_at(addr)
            frame = vma.pages.frames.get(page)
            if frame is None:
                return self._peek_source(vma.pages.peek(page, vma.backing), offset, n_bytes)
            entry = frame << PAGE_SHIFT
        at = (entry & FRAME_MASK) + offset
        return self._bytes[at : at + n_bytes].tobytes()

    @staticmethod
    def _peek_source(page: bytes | None, offset: int, n_bytes: int) -> bytes | None:
        return None if page is None else page[offset : offset + n_bytes]

    def _parts(self, addr: int, n_bytes: int, *, writing: bool) -> list[memoryview]:
        """Views of the whole range, neighbouring frames in one. Raises _ShortError with the good prefix."""
        parts: list[memoryview] = []
        if not n_bytes:
            return parts
        if not 0 <= addr <= TASK_SIZE - n_bytes:
            raise _ShortError(EFAULT, parts)
        tables = self._owned if writing else self._leaves
        words, ram, table = self._words, self.space.ram, self.space.page_table
        executable = ram.executable
        wanted = P | W if writing else P
        first = last = 0  # physical bytes of the run that is being collected
        end = addr + n_bytes
        written_code: list[FrameNr] = []
        errno = 0
        while addr < end:
            base = tables.get(addr >> 21)
            entry = table.entry(addr) if base is None else words[base + (addr >> 12 & 511)]
            if entry & wanted != wanted:
                errno = self._fault_in(addr, writing=writing)
                if errno:
                    break
                entry = table.entry(addr)
            if writing:
                frame: FrameNr = (entry & FRAME_MASK) >> PAGE_SHIFT  # type: ignore[assignment]
                if executable[frame]:
                    written_code.append(frame)
            at = entry & FRAME_MASK | addr & PAGE_MASK
            mask = _LARGE_MASK if base is None and addr >> 21 in table.large else PAGE_MASK
            stop = min((addr | mask) + 1, end)
            if at != last:
                if last:
                    parts.append(ram.bytes[first:last])
                first = at
            last = at + stop - addr
            addr = stop
        if last:
            parts.append(ram.bytes[first:last])
        if written_code:  # no guest instruction runs between this and the caller's write
            self.space.machine.drop_translations(written_code)
            for frame in written_code:
                executable[frame] = 1
        if errno:
            raise _ShortError(errno, parts)
        return parts

    def _fault_in(self, addr: int, *, writing: bool) -> int:
        """Make a page accessible as a fault of the guest's would; gives 0 or an errno."""
        space = self.space
        fault = space.touch(addr, PF_WRITE if writing else 0)
        if fault is not None:
            return ENOMEM if fault.signo == SIGKILL else EFAULT
        entry = space.page_table.entry(addr)
        return 0 if entry & P and (entry & W or not writing) else EFAULT


class _ShortError(SyscallError):
    """The range ends before its end: `parts` is what is good of it."""

    __slots__ = ("parts",)

    def __init__(self, errno: int, parts: list[memoryview]) -> None:
        super().__init__(errno)
        self.parts = parts
