"""The floor of the `cpu` benchmarks: a static ELF on bare Unicorn, with no kernel.

Usage: python -m bench.floor PROGRAM
       python -m bench.floor --self-test

All segments, a stack and a brk heap are mapped before the first instruction, so nothing ever faults; the system
calls that bench guests and a static glibc cannot do without get plausible values, the others ENOSYS. What a run
costs here is the interpreter, the engine and the guest's own instructions. CPU times go to standard error.
"""

from __future__ import annotations

import io
import os
import struct
import sys
import time

from bench import bare_unicorn as bare
from bench.bare_unicorn import PAGE_BYTES, Machine, MachineError

STACK_TOP = 0x7FFF_FFFF_F000
STACK_BYTES = 1 << 20
HEAP_BYTES = 32 << 20

ELF_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
PROGRAM_HEADER = struct.Struct("<IIQQQQQQ")
ET_EXEC, EM_X86_64, PT_LOAD, PF_X, PF_W = 2, 62, 1, 1, 2
AT_NULL, AT_PHDR, AT_PHENT, AT_PHNUM, AT_PAGESZ, AT_ENTRY, AT_RANDOM = 0, 3, 4, 5, 6, 9, 25

SYS_WRITE, SYS_MPROTECT, SYS_BRK, SYS_EXIT, SYS_GETPPID = 1, 10, 12, 60, 110
SYS_ARCH_PRCTL, SYS_SET_TID_ADDRESS, SYS_EXIT_GROUP = 158, 218, 231
ARCH_SET_FS = 0x1002
EFAULT, EINVAL, ENOSYS = 14, 22, 38
TID = 1000


def page_down(addr: int) -> int:
    """Return the start of the page that holds `addr`."""
    return addr & -PAGE_BYTES


def page_up(addr: int) -> int:
    """Return the first page start at or after `addr`."""
    return addr + PAGE_BYTES - 1 & -PAGE_BYTES


class Program:
    """A static ELF in a machine's memory: where to enter, with which stack, and where its brk heap is."""

    def __init__(self, machine: Machine, path: str) -> None:
        with io.FileIO(path) as file:
            image = file.readall()
        ident, kind, cpu, _version, self.entry, phoff, *_others, n_headers, _, _, _ = ELF_HEADER.unpack_from(image)
        if ident[:6] != b"\x7fELF\x02\x01" or (kind, cpu) != (ET_EXEC, EM_X86_64):
            raise MachineError(f"{path}: not a static x86-64 ELF executable")
        phdr_addr = end = 0
        for i in range(n_headers):
            offset = phoff + i * PROGRAM_HEADER.size
            tag, flags, start, vaddr, _paddr, n_file_bytes, n_bytes, _align = PROGRAM_HEADER.unpack_from(image, offset)
            if tag != PT_LOAD:
                continue
            write, execute = bool(flags & PF_W), bool(flags & PF_X)
            physical = machine.map(page_down(vaddr), page_up(vaddr + n_bytes), write=write, execute=execute)
            physical += vaddr % PAGE_BYTES
            machine.ram[physical : physical + n_file_bytes] = image[start : start + n_file_bytes]
            if start <= phoff < start + n_file_bytes:
                phdr_addr = vaddr + phoff - start
            end = max(end, page_up(vaddr + n_bytes))
        # The heap is [brk_start, brk_end), a page away from the data, so that running off the data is seen.
        self.brk_start = end + PAGE_BYTES
        self.brk_end = self.brk_start + HEAP_BYTES
        machine.map(self.brk_start, self.brk_end, write=True)
        self.stack = self.make_stack(machine, path, phdr_addr, n_headers)

    def make_stack(self, machine: Machine, path: str, phdr_addr: int, n_headers: int) -> int:
        """Lay out argc, argv, envp and the auxiliary vector (System V ABI, figure 3.9); return RSP."""
        machine.map(STACK_TOP - STACK_BYTES, STACK_TOP, write=True)
        name = os.fsencode(path) + b"\0"
        strings = STACK_TOP - 16 - len(name)  # sixteen "random" bytes for AT_RANDOM, fixed, then the name
        auxv = (
            *(AT_PHDR, phdr_addr, AT_PHENT, PROGRAM_HEADER.size, AT_PHNUM, n_headers),
            *(AT_PAGESZ, PAGE_BYTES, AT_ENTRY, self.entry, AT_RANDOM, STACK_TOP - 16, AT_NULL, 0),
        )
        words = (1, strings, 0, 0, *auxv)
        stack = strings - 8 * len(words) & -16
        for addr, content in ((strings, name + bytes(range(16))), (stack, struct.pack(f"<{len(words)}Q", *words))):
            view = machine.slice_of(addr, len(content))
            if view is None:
                raise MachineError("the arguments do not fit on the stack")
            view[:] = content
        return stack


class Answers:
    """The system calls of the floor."""

    def __init__(self, machine: Machine, program: Program) -> None:
        self.machine = machine
        self.program = program
        self.brk = program.brk_start
        self.status = 0
        self.n_calls = 0

    def on_syscall(self, _uc: int, _user: int) -> None:
        """Answer the system call the guest is at."""
        read = self.machine.read_reg
        arguments = read(bare.UC_X86_REG_RDI), read(bare.UC_X86_REG_RSI), read(bare.UC_X86_REG_RDX)
        try:
            result = self.answer(read(bare.UC_X86_REG_RAX), *arguments)
        except OSError as error:  # nothing may be raised across the hook: `run_user` raises it again
            self.machine.stop(error)
        else:
            self.machine.write_reg(bare.UC_X86_REG_RAX, result & (1 << 64) - 1)

    def answer(self, number: int, a: int, b: int, c: int) -> int:
        """Return what goes to RAX."""
        self.n_calls += 1
        if number in (SYS_EXIT, SYS_EXIT_GROUP):
            self.status = a & 0xFF
            self.machine.stop()
            return 0
        if number == SYS_WRITE:
            view = self.machine.slice_of(b, c)
            return -EFAULT if view is None else os.write(a, view)
        if number == SYS_BRK:
            if self.program.brk_start <= a <= self.program.brk_end:
                self.brk = a
            return self.brk
        if number == SYS_ARCH_PRCTL:
            if a != ARCH_SET_FS:
                return -EINVAL
            self.machine.write_reg(bare.UC_X86_REG_FS_BASE, b)
            return 0
        if number == SYS_MPROTECT:  # RELRO: glibc aborts when it fails
            return 0
        return TID if number in (SYS_SET_TID_ADDRESS, SYS_GETPPID) else -ENOSYS


def run(path: str) -> int:
    """Run a program to its end and return its exit status."""
    machine = Machine()
    program = Program(machine, path)
    answers = Answers(machine, program)
    machine.fail_on_exceptions()
    machine.hook(bare.UC_HOOK_INSN, bare.SYSCALL_HOOK(answers.on_syscall), bare.UC_X86_INS_SYSCALL)
    before_s = time.process_time()
    machine.run_user(program.entry, program.stack)
    after_s = time.process_time()
    report = f"{after_s:.3f} s of CPU time, {after_s - before_s:.3f} in the guest; {answers.n_calls} calls"
    print(f"floor: {report}", file=sys.stderr)
    return answers.status


def increments_after_stop(*, no_exit_request: bool) -> int:
    """Return how many of the three increments in a block run when a hook stops the CPU at the first of them."""
    code, code_addr = b"\x48\xff\xc0" * 3 + b"\xeb\xfe", 0x400000  # inc rax; inc rax; inc rax; jmp .
    machine = Machine(1 << 20, no_exit_request=no_exit_request)
    physical = machine.map(code_addr, code_addr + PAGE_BYTES, execute=True)
    machine.ram[physical : physical + len(code)] = code

    def on_code(_uc: int, addr: int, _size: int, _user: int) -> None:
        if addr == code_addr:
            machine.stop()

    machine.hook(bare.UC_HOOK_CODE, bare.CODE_HOOK(on_code))
    machine.write_reg(bare.UC_X86_REG_RAX, 0)
    machine.run_user(code_addr, 0)
    return machine.read_reg(bare.UC_X86_REG_RAX)


def self_test() -> int:
    """Check that no_exit_request moves a stop from the instruction it was asked at to the end of the block."""
    seen = increments_after_stop(no_exit_request=False), increments_after_stop(no_exit_request=True)
    if seen != (0, 3):
        raise MachineError(f"no_exit_request has no effect: {seen} increments, (0, 3) expected")
    return 0


def main(arguments: list[str]) -> int:
    """Run what the command line asks for; return the exit status."""
    if len(arguments) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        return self_test() if arguments == ["--self-test"] else run(arguments[0])
    except (MachineError, OSError) as error:
        print(f"floor: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
