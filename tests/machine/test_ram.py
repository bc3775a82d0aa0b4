"""Guest RAM: frames are zeroed, counted, quarantined; the host mapping is private and sparse."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pyuk.machine.machine import Machine
from pyuk.machine.paging import PAGE_BYTES
from pyuk.machine.ram import FRAME_BYTES, OutOfFramesError, Ram


@pytest.fixture
def ram() -> Ram:
    """One MiB: 256 frames, of which 255 can be had."""
    return Ram(1 << 20)


def test_frames_are_zeros(ram: Ram) -> None:
    """A frame is zeros with one owner, new or used before."""
    frames = [ram.alloc() for _ in range(255)]
    assert 0 not in frames
    assert len(set(frames)) == 255
    for frame in frames:
        assert bytes(ram.frame(frame)) == bytes(FRAME_BYTES)
        assert ram.counts[frame] == 1
        ram.frame(frame)[:] = b"\xee" * FRAME_BYTES
    for frame in frames:
        ram.release(frame)
    assert all(bytes(ram.frame(ram.alloc())) == bytes(FRAME_BYTES) for _ in range(255))


def test_unzeroed_frames_are_frames(ram: Ram) -> None:
    """alloc_unzeroed gives a frame with one owner, whatever is in it."""
    assert len({ram.alloc_unzeroed() for _ in range(255)}) == 255
    with pytest.raises(OutOfFramesError):
        ram.alloc_unzeroed()


def test_frame_lives_until_its_last_owner_leaves(ram: Ram) -> None:
    """Two owners: the first release keeps the frame."""
    frame = ram.alloc()
    ram.counts[frame] += 1
    ram.release(frame)
    assert (ram.counts[frame], ram.n_used) == (1, 1)
    ram.release(frame)
    assert ram.n_used == 0


def test_released_frames_are_retired_before_they_are_reused(ram: Ram) -> None:
    """No frame comes back before `retire` was called with it, and that is called for many at once."""
    retired: list[list[int]] = []
    ram.retire = lambda frames: retired.append(list(frames))
    used: set[int] = set()
    for _ in range(2000):
        frame = ram.alloc()
        assert frame not in used or any(frame in batch for batch in retired)
        used.add(frame)
        ram.release(frame)
        for batch in retired:
            used -= set(batch)
        retired = [batch for batch in retired if len(batch) > 100]
    assert retired
    assert ram.n_used == 0


def test_full_ram(ram: Ram) -> None:
    """When all frames are in use there is OutOfFramesError, again and again, and a released frame ends it."""
    frames = [ram.alloc() for _ in range(255)]
    for _ in range(3):
        with pytest.raises(OutOfFramesError):
            ram.alloc()
    ram.release(frames[7])
    assert ram.alloc() == frames[7]
    assert ram.n_used == 255


def test_shortage_is_asked_for(ram: Ram) -> None:
    """on_shortage is asked before OutOfFramesError: what it frees is given out; if it lies, that is found out."""
    frames = [ram.alloc() for _ in range(255)]
    answers = []

    def on_shortage() -> bool:
        if frames:
            ram.release(frames.pop())
        answers.append(bool(frames))
        return True

    ram.on_shortage = on_shortage
    got = [ram.alloc() for _ in range(255)]
    assert len(set(got)) == 255
    assert len(answers) == 255
    with pytest.raises(OutOfFramesError):
        ram.alloc()


def test_find_searches_ram_without_a_copy(ram: Ram) -> None:
    """`find` is bytes.find over all of RAM."""
    ram.bytes[5000:5003] = b"abc"
    assert ram.find(b"abc", 0, ram.size_bytes) == 5000
    assert ram.find(b"abc", 5001, ram.size_bytes) == -1
    assert ram.find(b"abc", 4096, 5002) == -1


def test_words_and_bytes_are_the_same_memory(ram: Ram) -> None:
    """`words` is little-endian 64-bit words of `bytes`."""
    ram.words[3] = 0x0102
    assert bytes(ram.bytes[24:32]) == b"\x02\x01" + bytes(6)


def smaps_of(address: int) -> str:
    """The entry of /proc/self/smaps that begins at or holds the address."""
    for entry in re.split(r"\n(?=[0-9a-f]+-[0-9a-f]+ )", Path("/proc/self/smaps").read_text(encoding="ascii")):
        start, end = (int(word, 16) for word in entry.split(" ", 1)[0].split("-"))
        if start <= address < end:
            return entry
    raise AssertionError(hex(address))


def resident_pages() -> int:
    """Of this process, in memory."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])


def test_host_mapping_is_private_and_not_reserved() -> None:
    """RAM is MAP_PRIVATE | MAP_NORESERVE: a child gets copies, and 64 GiB need no memory and no promise of it."""
    n_before = resident_pages()
    ram = Ram(64 << 30)
    entry = smaps_of(ram.host_address)
    assert entry.split("\n")[0].split(" ")[1] == "rw-p"
    flags = re.search(r"^VmFlags: (.*)$", entry, re.MULTILINE)
    assert flags is not None
    assert "nr" in flags[1].split()
    assert "sh" not in flags[1].split()
    frame = ram.alloc()
    ram.frame(frame)[0] = 1
    assert resident_pages() - n_before < 4096  # a few huge pages of the host's at most


def test_machine_sizes() -> None:
    """A machine that is no whole number of frames has the whole ones."""
    machine = Machine((8 << 30) + 5)
    assert machine.ram.n_frames == 8 << 18
    machine.close()


def test_page_tables_give_everything_back() -> None:
    """Tables for pages all over the user half, some dropped, then freed: n_used is what it was."""
    machine = Machine(16 << 20)
    n_before = machine.ram.n_used
    table = machine.new_page_table()
    places = [0x40_0000, 0x40_1000, 0x60_0000, 0x4000_0000, 0x7FFF_FFFF_E000, 0x5555_5555_4000]
    for i, va in enumerate(places):
        assert table.entry(va) == 0
        table.set(va, (i + 1) << 12 | 7)
        assert table.entry(va) == (i + 1) << 12 | 7
    assert [table.entry(va) >> 12 for va in places] == list(range(1, len(places) + 1))
    assert table.entry(0x40_2000) == 0
    n_tables = sum(len({va >> shift for va in places}) for shift in (48, 39, 30, 21))
    assert machine.ram.n_used == n_before + n_tables
    table.set(0x4000_0000, 0)
    table.drop_leaf(0x4000_0000 >> 21)
    assert table.entry(0x4000_0000) == 0
    table.set(0x4000_0000, 5 << 12 | 7)
    assert table.entry(0x4000_0000 + PAGE_BYTES - 1) == 5 << 12 | 7
    table.free()
    assert machine.ram.n_used == n_before
    machine.close()


def test_page_table_out_of_frames_leaves_it_usable() -> None:
    """A table that cannot grow raises OutOfFramesError, and grows when there is RAM again."""
    machine = Machine(1 << 20)
    ram = machine.ram
    table = machine.new_page_table()
    hoard = [ram.alloc() for _ in range(ram.n_frames - 1 - ram.n_used)]
    with pytest.raises(OutOfFramesError):
        table.set(0x40_0000, 7)
    ram.release(hoard.pop())
    with pytest.raises(OutOfFramesError):
        table.set(0x40_0000, 7)
    assert table.entry(0x40_0000) == 0
    for frame in hoard:
        ram.release(frame)
    table.set(0x40_0000, 1 << 12 | 7)
    assert table.entry(0x40_0000) == 1 << 12 | 7
    table.free()
    machine.close()
