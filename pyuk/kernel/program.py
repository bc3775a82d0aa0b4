"""A task takes up a program: the part of execve(2) after which there is no way back (fs/exec.c, begin_new_exec)."""

from __future__ import annotations

from pyuk.abi.resource import RLIMIT_STACK
from pyuk.machine.cpu import RIP, RSP
from pyuk.mm.space import AddressSpace
from pyuk.mm.usermem import UserMemory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.kernel.task import Task
    from pyuk.loader.load import Loaded, Program


def enter(task: Task, program: Program) -> Loaded:
    """Build the program in a new address space and point the CPU, which the task has, at its first instruction.

    Errors: LoadError; there is no way back.
    """
    kernel, process = task.kernel, task.process
    machine = kernel.machine
    space = AddressSpace(machine, kernel.cache, process.limits)
    if task.creds.euid == 0:
        space.mmap_min_addr = 0  # security/min_addr.c: CAP_SYS_RAWIO may map there
        space.may_lock_all = True  # CAP_IPC_LOCK
    task.mm, task.mem = space, UserMemory(space)
    loaded = program.commit(
        space, kernel.random.bytes(16), stack_limit_bytes=process.limits.soft[RLIMIT_STACK], vdso=kernel.vdso
    )
    task.comm = loaded.comm
    process.exe = loaded.exe
    process.loaded = loaded
    cpu = machine.cpu
    cpu.load_space(space.page_table)
    cpu.reset()
    if task.rdtsc_is_forbidden or not kernel.clock.goes_by_itself:
        cpu.rdtsc_traps = True
    cpu.expect_growth()
    cpu.regs[RIP], cpu.regs[RSP] = loaded.entry, loaded.sp
    return loaded
