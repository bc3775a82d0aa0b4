"""A TLB for each address space: what tagged entries (PCID) are to a real CPU.

The engine has one softmmu TLB for CPL 3. A flush at each switch costs 0.1 us for every page that is touched again. But
the TLB is a record that points to two tables (CPUTLBDesc and CPUTLBDescFast in QEMU's cpu-defs.h), so the records of
several can be exchanged: 1 us. Where the record is, is known for the builds of layout.py that have `tlb`.

What makes it sound: a flush of any kind, in whatever space, makes all TLBs but the loaded one stale (`forget`); a page
that gains a right or becomes present needs none, as ever; and no frame is executable through one table entry and
writable through another (mm/wx.py), so the engine, which marks a page of code in the loaded TLB only, misses no store.
"""

from __future__ import annotations

import struct

from pyuk.machine.clib import PyDLL, c_char, c_int, c_size_t, c_void_p

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.machine.paging import PageTable
    from pyuk.machine.state import LiveState

_N_MODES, _USER = 3, 1  # MMU_USER_IDX
_COMMON_BYTES = 32
_ENTRY_BITS, _IO_ENTRY_BYTES = 6, 16
_N_VICTIMS = 8
_DESC_BYTES = 6 * 8 + _N_VICTIMS * ((1 << _ENTRY_BITS) + _IO_ENTRY_BYTES) + 8
_FAST_BYTES = 16
_N_USED_AT, _VICTIMS_AT, _IO_TABLE_AT = 4, 6, _DESC_BYTES // 8 - 1  # words of a CPUTLBDesc
TLB_BYTES = _COMMON_BYTES + _N_MODES * _DESC_BYTES + 8 + _N_MODES * _FAST_BYTES + 16
"""struct CPUTLB and the word behind it, up to the CPU state."""
_CPU_BYTES = 33216  # struct CPUState, in front of it
_JUMP_CACHE_BYTES = 4096 * 8
_N_ENTRIES = 256
_N_KEPT = 12
_ALL_DIRTY = (1 << _N_MODES) - 1
_FULL = 0.7  # as in tlb_mmu_resize_locked


def open_tlbs(state: LiveState) -> Tlbs | None:
    """None where the engine's TLB is not where it is known to be."""
    if not state.live or not state.layout.tlb:
        return None
    tlbs = Tlbs(state.address)
    return tlbs if tlbs.looks_right else None


class Tlbs:
    """The loaded TLB is that of `owner`; those of others are kept, each good or stale."""

    def __init__(self, env: int) -> None:
        """env: the address of the CPU state."""
        self.owner: PageTable | None = None
        words = memoryview((c_char * TLB_BYTES).from_address(env - TLB_BYTES)).cast("B").cast("Q")
        n_desc, n_fast = _DESC_BYTES // 8, _FAST_BYTES // 8
        desc = _COMMON_BYTES // 8 + _USER * n_desc
        fast = _COMMON_BYTES // 8 + _N_MODES * n_desc + 1 + _USER * n_fast
        self._dirty = words[:1].cast("B").cast("H")
        self._desc = words[desc : desc + n_desc]
        self._fast = words[fast : fast + n_fast]
        self._is_ready = False  # neither the loaded TLB nor the engine's jump cache has anything stale
        self._kept: dict[PageTable, tuple[memoryview[int], memoryview[int]]] = {}
        self._good: dict[PageTable, bool] = {}  # those of _kept that are not stale
        libc = PyDLL(None)
        self._malloc, self._free = libc.malloc, libc.free
        self._malloc.argtypes, self._malloc.restype = (c_size_t,), c_void_p
        self._free.argtypes, self._free.restype = (c_void_p,), None
        self._memset = libc.memset
        self._memset.restype = None
        begin = env - TLB_BYTES - _CPU_BYTES
        cpu = bytes((c_char * _CPU_BYTES).from_address(begin))
        pointers = cpu.find(struct.pack("<QQ", env, env - _FAST_BYTES))  # env_ptr, icount_decr_ptr, tb_jmp_cache
        self._jump_cache = c_void_p(begin + pointers + 16) if pointers >= 0 else None
        self._spare = (memoryview(bytearray(_DESC_BYTES)).cast("Q"), memoryview(bytearray(_FAST_BYTES)).cast("Q"))
        self._zero, self._jump_cache_bytes = c_int(0), c_size_t(_JUMP_CACHE_BYTES)

    @property
    def looks_right(self) -> bool:
        """Whether what is there can be the record of a TLB."""
        n_entries = (self._fast[0] >> _ENTRY_BITS) + 1
        return (
            self._fast[0] == (n_entries - 1) << _ENTRY_BITS and not n_entries & n_entries - 1
            and self._desc[_N_USED_AT] <= n_entries and self._desc[_VICTIMS_AT - 1] < _N_VICTIMS
            and self._dirty[0] <= _ALL_DIRTY and self._fast[1] % 8 == self._desc[_IO_TABLE_AT] % 8 == 0
            and bool(self._fast[1] and self._desc[_IO_TABLE_AT] and self._jump_cache)
        )  # fmt: skip

    def forget(self) -> None:
        """All TLBs but the loaded one are stale."""
        if self._good:
            self._good = {}

    def switch(self, table: PageTable) -> bool:
        """Load the TLB of an address space. False: it is to be flushed, because it is stale, new or too small.

        An exception may come out of every call (a signal's): there is none where the records are in disorder.
        """
        owner, kept, desc, fast = self.owner, self._kept, self._desc, self._fast
        if owner is table:
            return self._is_ready
        found = kept.get(table)
        is_good = found is not None and table in self._good
        if found is None:
            if owner is None:
                self.owner, self._is_ready = table, False
                return False  # the TLB of nobody will do
            if len(kept) >= _N_KEPT:
                oldest = next(iter(kept))
                found = kept[oldest]
                del kept[oldest]  # and nobody has it if an exception comes now
            else:
                found = self._new()
        new_desc, new_fast = found
        mine = self._spare
        mine[0][:] = desc
        mine[1][:] = fast
        if table in kept:
            del kept[table]
        if owner is not None:
            kept[owner] = mine
            self._good[owner] = True
        self.owner, self._is_ready = table, False
        desc[:] = new_desc
        fast[:] = new_fast
        self._dirty[0] = _ALL_DIRTY
        self._spare = found
        if owner is None:
            self._give_back(mine)
        if not is_good or desc[_N_USED_AT] > _FULL * ((fast[0] >> _ENTRY_BITS) + 1):
            return False
        self._memset(self._jump_cache, self._zero, self._jump_cache_bytes)
        self._is_ready = True
        return True

    def flushed(self) -> None:
        """The loaded one has been."""
        self._is_ready = True

    def drop(self, table: PageTable) -> None:
        """The address space ends."""
        found = self._kept.pop(table, None)
        self._good.pop(table, None)
        if found is not None:
            self._give_back(found)
        if self.owner is table:
            self.owner = None

    def close(self) -> None:
        """Free what the engine does not know of."""
        for table in list(self._kept):
            self.drop(table)

    def _new(self) -> tuple[memoryview[int], memoryview[int]]:
        """A record with tables of its own, of the engine's initial size; the flush that follows clears them."""
        tables = self._malloc(_N_ENTRIES << _ENTRY_BITS)
        io_tables = self._malloc(_N_ENTRIES * _IO_ENTRY_BYTES)
        if not tables or not io_tables:
            raise MemoryError
        desc = memoryview(bytearray(_DESC_BYTES)).cast("Q")
        desc[_IO_TABLE_AT] = io_tables
        fast = memoryview(bytearray(_FAST_BYTES)).cast("Q")
        fast[0], fast[1] = (_N_ENTRIES - 1) << _ENTRY_BITS, tables
        return desc, fast

    def _give_back(self, record: tuple[memoryview[int], memoryview[int]]) -> None:
        self._free(record[0][_IO_TABLE_AT])
        self._free(record[1][1])
