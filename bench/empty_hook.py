"""What an empty Python system-call hook costs: the least any kernel in Python pays for each call.

Usage: python -m bench.empty_hook GETPPID_LOOP

Runs the loop on the machine of `bare_unicorn.py` with a raw ctypes hook that does nothing at all, not even for
write and exit_group; the guest's `hlt` ends it. CPU times go to standard error.
"""

from __future__ import annotations

import sys
import time

from bench import bare_unicorn as bare
from bench.bare_unicorn import Machine, MachineError
from bench.floor import Program

GENERAL_PROTECTION = 13


def run(path: str) -> None:
    """Run a program whose system calls all do nothing, until its `hlt`."""
    machine = Machine()
    program = Program(machine, path)

    def on_syscall(_uc: int, _user: int) -> None:
        pass

    def on_intr(_uc: int, number: int, _user: int) -> None:
        machine.stop(None if number == GENERAL_PROTECTION else MachineError(f"exception {number}"))

    machine.hook(bare.UC_HOOK_INSN, bare.SYSCALL_HOOK(on_syscall), bare.UC_X86_INS_SYSCALL)
    machine.hook(bare.UC_HOOK_INTR, bare.INTR_HOOK(on_intr))
    before_s = time.process_time()
    machine.run_user(program.entry, program.stack)
    after_s = time.process_time()
    print(f"empty_hook: {after_s:.3f} s of CPU time, {after_s - before_s:.3f} in the guest", file=sys.stderr)


def main(arguments: list[str]) -> int:
    """Run the program the command line names; return the exit status."""
    if len(arguments) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        run(arguments[0])
    except (MachineError, OSError) as error:
        print(f"empty_hook: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
