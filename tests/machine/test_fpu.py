"""The x87 and SSE state, through the API and as the program's own FXSAVE shows it."""

from __future__ import annotations

import random
import struct

import pytest

from pyuk.machine.cpu import INVALID_OPCODE
from pyuk.machine.fpu import initial_fxsave
from tests.machine.rig import DATA, EXIT, Rig

SAVE = f"fxsave64 [{DATA:#x}]\n ud2"
STATES = ("live", "copied", "probe")

PROGRAMS = {
    "nothing": "",
    "stack": "fld1\n fldpi\n fldz\n fldl2e",
    "popped": "fld1\n fld1\n faddp\n fstp st(0)\n fldpi",
    "full": "\n".join(["fldpi"] * 8),
    "control_words": f"mov dword ptr [{DATA:#x}], 0x1f3f9fbf\n fldcw [{DATA:#x}]\n ldmxcsr [{DATA + 2:#x}]",
    "flags": "fldz\n fld1\n fdivrp\n mov eax, 3\n cvtsi2ss xmm1, eax\n xorps xmm2, xmm2\n divss xmm1, xmm2",
    "xmm": "mov rax, 0x1122334455667788\n movq xmm3, rax\n movq xmm15, rsp\n punpcklqdq xmm15, xmm3",
    "mmx": "mov rax, 0x1122334455667788\n movq mm5, rax",
    "emptied": "fld1\n fldpi\n emms",
    "denormal_and_special": "fld1\n fldz\n fdivp\n fldz\n fldz\n fdivp",
}


def guests_own(rig: Rig) -> bytes:
    """What the program's FXSAVE stored."""
    return bytes(rig.ram.frame(rig.data)[:512])


def comparable(image: bytes) -> bytes:
    """The image without FOP, FIP and FDP, which the engine does not keep in step, and the bytes beyond XMM15."""
    return image[:6] + image[24:416]


def test_a_program_begins_with_the_state_of_execve(rig: Rig) -> None:
    """FCW 0x37f, MXCSR 0x1f80, all registers empty and zero: the program's FXSAVE shows it."""
    trap = rig.run(SAVE)
    assert trap is not None
    assert trap.vector == INVALID_OPCODE
    assert guests_own(rig) == initial_fxsave() == rig.cpu.read_fxsave()
    control, status, tags = struct.unpack_from("<HHB", guests_own(rig))
    assert (control, status, tags) == (0x37F, 0, 0)
    assert struct.unpack_from("<I", guests_own(rig), 24) == (0x1F80,)


@pytest.mark.parametrize("name", PROGRAMS)
def test_image_equals_the_programs_own(rig: Rig, name: str) -> None:
    """read_fxsave is what `fxsave64` stores."""
    rig.run(f"{PROGRAMS[name]}\n{SAVE}")
    assert comparable(rig.cpu.read_fxsave()) == comparable(guests_own(rig))


@pytest.mark.parametrize("name", PROGRAMS)
def test_image_can_be_loaded(rig: Rig, name: str) -> None:
    """write_fxsave of an image, in a system call, gives the program the same state: its own FXSAVE agrees."""
    rig.run(f"{PROGRAMS[name]}\n{SAVE}")
    image = guests_own(rig)
    rig.cpu.reset_fpu()
    assert rig.cpu.read_fxsave() == initial_fxsave()
    rig.on_syscall = lambda number: rig.cpu.stop() if number == EXIT else rig.cpu.write_fxsave(image)
    rig.run(f"fld1\n mov eax, 1\n syscall\n{SAVE}")
    assert comparable(guests_own(rig)) == comparable(image)
    assert comparable(rig.cpu.read_fxsave()) == comparable(image)


def test_random_images_survive(rig: Rig) -> None:
    """Any register contents, any top of stack, any tags: written and read they are the same, and the program agrees."""
    chance = random.Random(1)  # noqa: S311
    for _ in range(10):
        image = bytearray(initial_fxsave())
        image[2:4] = (chance.randrange(8) << 11).to_bytes(2, "little")
        image[4] = chance.randrange(256)
        for i in range(8):
            image[32 + 16 * i : 42 + 16 * i] = chance.randbytes(10)
        image[160:416] = chance.randbytes(256)
        rig.cpu.write_fxsave(bytes(image))
        assert rig.cpu.read_fxsave() == bytes(image)
        rig.run(SAVE)
        assert comparable(guests_own(rig)) == comparable(bytes(image))


def test_reserved_mxcsr_bits_are_dropped(rig: Rig) -> None:
    """An image with reserved bits in MXCSR, as a signal handler may leave it, loads without them."""
    image = bytearray(initial_fxsave())
    image[24:28] = b"\x80\x1f\xff\xff"
    rig.cpu.write_fxsave(bytes(image))
    assert rig.cpu.read_fxsave()[24:28] == b"\x80\x1f\x00\x00"


def test_precision_is_extended(rig: Rig) -> None:
    """With FCW 0x37f x87 arithmetic has 64 bits: 1 + 2^-60 is not 1."""
    source = """
        fld1
        push -60
        fild qword ptr [rsp]
        fxch
        fscale
        fstp st(1)
        fld1
        faddp
        fld1
        fsubp
        fstp qword ptr [rsp]
        pop rdi
    """
    assert struct.unpack("<d", struct.pack("<Q", rig.exits(source))) == (2.0**-60,)


def test_registers_are_not_touched_by_the_image(rig: Rig) -> None:
    """write_fxsave in a system call leaves the general registers that the kernel has set."""

    def on_syscall(number: int) -> None:
        if number == EXIT:
            rig.cpu.stop()
        else:
            rig.regs[3] = 41
            rig.cpu.reset_fpu()
            rig.regs[3] += 1

    rig.on_syscall = on_syscall
    assert rig.exits("mov eax, 1\n syscall\n mov rdi, rbx") == 42
