"""No guest may kill the host process: what the engine's own code does wrong is caught before it is done.

Instructions of CPL 3 can end the process in four ways, found by fuzzing (tests/machine/fuzz_translate.py) and reading:

* The translator calls abort() for `bt`, `bts`, `btr` and `btc` of a register with LOCK, which are #UD; or it takes the
  memory operand of an instruction before it, if there was one in the block.
* Its table of 512 temporaries is not checked. Some instructions (x87 arithmetic, `pshufw`, `xadd` and more) never
  give theirs back, so a few hundred of them in one block write over what comes behind it: SIGSEGV, sooner or later.
* `idiv r/m32` of -2**63 by -1 divides so on the host: SIGFPE.
* `pcmpestri` and `pcmpestrm` take the absolute value of a length in 32 bits; -2**31 stays negative, and they read
  gigabytes away from their operands: SIGSEGV. With REX.W, lengths of more than 32 bits count wrongly as well.

The library calls even its own functions through jump slots, so these are pointed at a few bytes of machine code in a
page of ours. When the translation of a block fails, it begins anew with an eighth as many instructions, as the engine
itself does with fewer when a block becomes too large; nothing of the guest has run. A block thus ends before the
instruction at fault, and this one, when it fails alone in its block, raises #UD with RIP at it, the way in which a page
fault on an instruction's bytes is raised. The two helpers get a divisor and lengths that they can bear and that mean
the same.

All of it is facts of one build of the library, told by its build id. With any other nothing is caught.
"""

from __future__ import annotations

import struct
import sys

from pyuk.machine.clib import addressof, byref, c_char, c_int, c_size_t, c_uint32, c_uint64, c_void_p

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pyuk.machine.engine import Engine

_PAGE_BYTES = 4096
_PROT_READ, _PROT_WRITE, _PROT_EXEC = 1, 2, 4
_MAP_PRIVATE, _MAP_ANONYMOUS = 0x02, 0x20
_NOTE_HEADER = struct.pack("<III4s", 4, 20, 3, b"GNU")  # name and descriptor size, NT_GNU_BUILD_ID

# tests/machine/containment.S, assembled, which says what it does; `_constants` come behind it
_CODE = bytes.fromhex(
    # tb_gen_code:
    "53 55 4154 4155 4156 4157 57 56 52 51 4150 6800020000 6a00 8b3d4b020000 4889e6 ff1502020000"
    # again:
    "4c8b442410 488b4c2418 488b542420 488b742428 488b7c2430 ff15a3010000 4883c438 415f 415e 415d 415c 5d"
    "5b c3 cc cc cc cc cc cc cc cc cc cc cc cc"
    # gen_intermediate_code:
    "57 56 52 8b3dff010000 ff15b1010000 5a 5e 5f 3b5008 0f475008 895008 ff256e010000 cc cc cc cc cc cc"
    "cc cc cc cc cc cc cc cc"
    # tcg_temp_new_internal:
    "817f3000020000 736f ff2559010000 cc"
    # tcg_gen_op2:
    "81fe81000000 7523 57 52 51 4863572c 486bd238 488d9417f8030000 31f6 ff156d010000 59 5a 5f be81000000"
    "ff252f010000 cc cc cc cc cc cc cc cc cc cc cc cc cc cc cc"
    # abort:
    "488b0424 482b0555010000 483b055e010000 7214 488b0424 482b0549010000 483b0552010000 734e"
    # failed:
    "4883ec08 8b3d56010000 ff1508010000 4883c408 4885c0 7435 4889c4 8b442408 83f801 7412 c1e803 83f801"
    "83d000 89442408 e9e7feffff 488b7c2430 48033d15010000 be06000000 ff15e2000000 ff2584000000 cc cc cc"
    "cc"
    # idivl:
    "83feff 7510 833f00 750b 817f1000000080 7502 31f6 ff258d000000 cc cc cc cc cc"
    # pcmpestri:
    "488b0589000000 eb0e cc cc cc cc cc cc cc"
    # pcmpestrm:
    "488b0581000000 57 ff37 ff7710 4c8b07 e81d000000 4c8907 4c8b4710 e811000000 4c894710 ffd0 58 59 5f"
    "48894710 48890f c3"
    # clamp:
    "0fbae108 7203 4d63c0 4983f810 7f06 4983f8f0 7d06 41b810000000 c3 cc cc"
)
_TB_GEN_CODE, _GEN_INTERMEDIATE_CODE, _TEMP_NEW, _GEN_OP2, _ABORT = 0x00, 0x60, 0x90, 0xA0, 0xE0
_IDIVL, _PCMPESTRI, _PCMPESTRM = 0x160, 0x180, 0x190


class _Build:
    """What is where in one build: addresses relative to where the library is mapped.

    `abort` is the lazy binding and the jump slot of libc's function; `jumps` are (stub, function of the library, its
    lazy binding, jump slot) and `helpers` (stub, function, its two slots, which lie in the pages `read_only`).
    `sites` are the return addresses of the translator's calls of abort, two ranges as start and length.
    """

    build_id: str
    note: int
    tcg_gen_op1: int
    raise_exception: int
    env: int
    """From the CPUState to the CPUX86State inside the same object."""
    abort: tuple[int, int]
    sites: tuple[tuple[int, int], tuple[int, int]]
    jumps: tuple[tuple[int, int, int, int], ...]
    helpers: tuple[tuple[int, int, int, int], ...]
    read_only: tuple[tuple[int, int], ...]


class _Unicorn214(_Build):
    """unicorn-2.1.4-py2.py3-none-manylinux_2_17_x86_64."""

    build_id = "44285d3e80527122e9e361928189385906ec813e"
    note = 0x270
    tcg_gen_op1 = 0x408E20
    raise_exception = 0x435F90
    env = 0x8A50
    abort = (0x3A9D06, 0x14BFE80)
    sites = ((0x3C076A, 0x47), (0x3C07C9, 0x24))
    jumps = (
        (_TB_GEN_CODE, 0x42EC60, 0x3A5D66, 0x14BDEB0),
        (_GEN_INTERMEDIATE_CODE, 0x475030, 0x3A98E6, 0x14BFC70),
        (_TEMP_NEW, 0x400440, 0x3BE286, 0x14CA140),
        (_GEN_OP2, 0x408E30, 0x3A7986, 0x14BECC0),
    )
    helpers = (
        (_IDIVL, 0x444970, 0x142EA88, 0x14B6888),
        (_PCMPESTRI, 0x442660, 0x1431A70, 0x14A64F0),
        (_PCMPESTRM, 0x442740, 0x1431A88, 0x14B2900),
    )
    read_only = ((0x142E000, 0x1432000), (0x14A6000, 0x14B7000))


_BUILDS: tuple[type[_Build], ...] = (_Unicorn214,)
_installed: list[bool] = []


def install(engine: Engine) -> bool:
    """Contain the failures of the engine's library: before its first use, once in a process. Whether it is done."""
    if not _installed:
        _installed.append(_install(engine.held))
    return _installed[0]


def _install(library: Any) -> bool:
    found = _identify(library)
    if found is None:
        return False
    base, build = found
    lazy_abort, abort_slot = build.abort
    jumps = [(_ABORT, _address(library.abort), base + lazy_abort, base + abort_slot)]
    jumps += [(stub, base + real, base + lazy, base + slot) for stub, real, lazy, slot in build.jumps]
    helpers = [(stub, base + real, base + slot) for stub, real, *slots in build.helpers for slot in slots]
    if any(_word(slot).value not in (real, lazy) for _stub, real, lazy, slot in jumps):
        return False
    if any(_word(slot).value != real for _stub, real, slot in helpers):
        return False
    key = c_uint32()
    if library.pthread_key_create(byref(key), None):
        return False
    functions = [real for _stub, real, *_rest in jumps] + [base + real for _stub, real, *_slots in build.helpers]
    functions += [_address(library.pthread_getspecific), _address(library.pthread_setspecific)]
    code = new_code_page(library, _CODE, _constants(base, build, functions, key.value))
    pages = [(c_void_p(base + start), c_size_t(end - start)) for start, end in build.read_only]
    refused = [library.mprotect(*where, _PROT_READ | _PROT_WRITE) for where in pages]
    if not code or any(refused):
        return False
    for stub, _real, slot in helpers:
        _word(slot).value = code + stub
    for where in pages:
        library.mprotect(*where, _PROT_READ)
    for stub, _real, _lazy, slot in jumps:
        _word(slot).value = code + stub
    return True


def _identify(library: Any) -> tuple[int, type[_Build]] | None:
    """Where the library is mapped and what is where in it."""
    if not sys.platform.startswith("linux"):
        return None
    base = _word(library._handle).value  # noqa: SLF001  # struct link_map, dlinfo(3): l_addr, the ELF header
    for build in _BUILDS:
        note = _NOTE_HEADER + bytes.fromhex(build.build_id)
        if bytes((c_char * len(note)).from_address(base + build.note)) == note:
            return base, build
    return None


def _constants(base: int, build: type[_Build], functions: list[int], key: int) -> tuple[int, ...]:
    """The words that the code refers to, in its order."""
    (start_0, n_0), (start_1, n_1) = build.sites
    places = (build.tcg_gen_op1, build.raise_exception, start_0, start_1)
    return (*functions, *(base + place for place in places), n_0, n_1, build.env, key)


def new_code_page(library: Any, code: bytes, constants: tuple[int, ...]) -> int:
    """A page of code and constants, there until the process ends; 0 where it cannot be had."""
    library.mmap.restype = c_void_p
    size, flags = c_size_t(_PAGE_BYTES), _MAP_PRIVATE | _MAP_ANONYMOUS
    address = library.mmap(None, size, _PROT_READ | _PROT_WRITE, flags, c_int(-1), c_size_t(0))
    if address in (None, c_void_p(-1).value):
        return 0
    content = code + struct.pack(f"={len(constants)}Q", *constants)
    memoryview((c_char * len(content)).from_address(address)).cast("B")[:] = content
    return 0 if library.mprotect(c_void_p(address), size, _PROT_READ | _PROT_EXEC) else int(address)


def _address(function: Any) -> int:
    return _word(addressof(function)).value


def _word(address: int) -> c_uint64:
    return c_uint64.from_address(address)
