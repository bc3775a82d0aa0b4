"""execve(2): from a path to a program ready to run.

`prepare` does everything that can still be refused with an errno and changes nothing; `Program.commit` builds the
program in an empty address space, where a failure is the end of the process (fs/exec.c, begin_new_exec).
"""

from __future__ import annotations

from pyuk.abi.elf import AT_BASE, AT_ENTRY, AT_PHDR, AT_PHNUM, AT_SECURE, AT_SYSINFO_EHDR
from pyuk.abi.errno import EINVAL, ELOOP, ENOEXEC, SyscallError, message
from pyuk.loader import LateLoadError, LoadError
from pyuk.loader.elf import EXSTACK_ENABLE_X, ElfFile, parse_interpreter, parse_program
from pyuk.loader.image import Image, open_exec
from pyuk.loader.segments import map_interpreter, map_program
from pyuk.loader.stack import STACK_TOP, STK_LIM, Cpu, Strings, Tables, check_limits
from pyuk.machine.paging import TASK_SIZE
from pyuk.mm.usermem import UserMemory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.loader.protocols import Credentials, Opener
    from pyuk.loader.vdso import Vdso
    from pyuk.mm.backing import Backing
    from pyuk.mm.space import AddressSpace

SCRIPT_DEPTH_MAX = 5
"""How many `#!` lines may lead from one interpreter to the next (exec_binprm)."""
COMM_BYTES = 15


class Loaded:
    """A program that can start: registers, and what the kernel remembers of it (mm_struct's arg_start and so on)."""

    __slots__ = (
        "brk", "comm", "end_code", "end_data", "entry", "exe", "interpreter_base", "interpreter_path", "sp",
        "start_code", "start_data", "strings", "tables", "vdso",
    )  # fmt: skip

    entry: int
    """Where the first instruction is: the interpreter's entry point, or the program's own (rip)."""
    sp: int
    """Points to argc; a multiple of 16. All other registers start at 0."""
    interpreter_base: int
    interpreter_path: bytes | None
    brk: int
    """start_brk, a page boundary. There is no heap yet."""
    start_code: int
    end_code: int
    start_data: int
    end_data: int
    comm: bytes
    exe: Backing
    """The file of /proc/self/exe, held once for the owner of this object."""
    strings: Strings
    tables: Tables
    vdso: int
    """AT_SYSINFO_EHDR, 0 without a vDSO."""

    @property
    def auxv(self) -> list[tuple[int, int]]:
        """The auxiliary vector with its AT_NULL."""
        return self.tables.auxv

    @property
    def envp_at(self) -> int:
        """Where the pointers to the environment begin: above argc, argv and its NULL."""
        return self.sp + 8 * (len(self.strings.argv) + 2)


class Program:
    """A program that may be run, its files open. Either `commit` or `close` ends its life."""

    __slots__ = ("argv", "creds", "elf", "envp", "execfn", "interpreter", "interpreter_path")

    def __init__(
        self,
        elf: ElfFile,
        interpreter: ElfFile | None,
        argv: list[bytes],
        envp: list[bytes],
        execfn: bytes,
        creds: Credentials,
    ) -> None:
        self.elf = elf
        self.interpreter = interpreter
        self.argv = argv
        self.envp = envp
        self.execfn = execfn
        self.creds = creds

    def close(self) -> None:
        """Let go of the files."""
        self.elf.image.file.release()
        if self.interpreter is not None:
            self.interpreter.image.file.release()

    def commit(
        self,
        space: AddressSpace,
        random16: bytes,
        *,
        stack_limit_bytes: int = STK_LIM,
        cpu: Cpu | None = None,
        vdso: Vdso | None = None,
        secure: bool = False,
    ) -> Loaded:
        """Build the program in an empty address space.

        random16: what AT_RANDOM points to. vdso: without one, AT_SYSINFO_EHDR is missing. secure: AT_SECURE (setuid and
        the like).
        Errors: LateLoadError; the process is then killed by SIGSEGV.
        """
        exe = None
        try:
            exe = self.elf.image.file.backing()
            return self._build(space, exe, random16, stack_limit_bytes, cpu or Cpu(), vdso, secure=secure)
        except SyscallError as error:
            if exe is not None:
                exe.drop()
            if error.__class__ is LateLoadError:
                raise
            raise LateLoadError(error.errno, error.reason or message(error.errno)) from None
        finally:
            self.close()

    def _build(
        self, space: AddressSpace, exe: Backing, random16: bytes, stack_limit_bytes: int, cpu: Cpu, vdso: Vdso | None,
        *, secure: bool,
    ) -> Loaded:  # fmt: skip
        elf, interpreter = self.elf, self.interpreter
        memory = UserMemory(space)
        strings = Strings(STACK_TOP, self.argv, self.envp, self.execfn)
        space.set_stack(STACK_TOP, len(strings.data), stack_limit_bytes, executable=elf.stack == EXSTACK_ENABLE_X)
        memory.write(strings.arg_start, strings.data)

        placed = map_program(space, elf, exe, has_interpreter=interpreter is not None)
        loaded = Loaded()
        loaded.interpreter_base = 0
        loaded.interpreter_path = None
        loaded.entry = placed.entry
        if interpreter is not None:
            backing = interpreter.image.file.backing()
            try:
                base = map_interpreter(space, interpreter, backing, placed.bias)
            finally:
                backing.drop()
            loaded.interpreter_base = base
            loaded.interpreter_path = interpreter.image.path
            loaded.entry = base + interpreter.ehdr.entry & (1 << 64) - 1
        if loaded.entry >= TASK_SIZE:
            raise LateLoadError(EINVAL, f"entry point {loaded.entry:#x} is not in the user half")

        loaded.vdso = 0 if vdso is None else vdso.map(space)
        values = {
            AT_PHDR: placed.phdr,
            AT_PHNUM: elf.ehdr.phnum,
            AT_BASE: loaded.interpreter_base,
            AT_ENTRY: placed.entry,
            AT_SECURE: int(secure),
        }
        if loaded.vdso:
            values[AT_SYSINFO_EHDR] = loaded.vdso
        tables = Tables(strings, random16, self.creds, cpu, values)
        memory.write(tables.sp, tables.data)
        space.start_brk = space.brk = placed.brk
        space.data_bytes = placed.end_data - placed.start_data
        space.code_range = (placed.start_code, placed.end_code)
        space.start_stack = tables.sp
        space.arg_range = strings.arg_start, strings.arg_end
        space.env_range = strings.env_start, strings.env_end
        loaded.sp = tables.sp
        loaded.brk = placed.brk
        loaded.start_code, loaded.end_code = placed.start_code, placed.end_code
        loaded.start_data, loaded.end_data = placed.start_data, placed.end_data
        loaded.comm = self.execfn.rpartition(b"/")[2][:COMM_BYTES]
        loaded.exe = exe
        loaded.strings = strings
        loaded.tables = tables
        return loaded


def prepare(
    opener: Opener,
    path: bytes,
    argv: list[bytes],
    envp: list[bytes],
    creds: Credentials,
    *,
    stack_limit_bytes: int = STK_LIM,
) -> Program:
    """Open and check a program and what it needs; nothing is mapped.

    An empty argv becomes one empty string (since Linux 5.18). A script's argv is rewritten for its interpreter.
    Errors (LoadError): ENOENT, EACCES, ENOEXEC, ELIBBAD, EIO, ELOOP, E2BIG as execve(2); the reason names the file
    when it is not `path` itself.
    """
    argv = argv or [b""]
    n_pointers = len(argv) + len(envp)
    check_limits(argv, envp, path, n_pointers, stack_limit_bytes)
    image = _open(opener, path, creds, b"")
    depth = 0
    try:
        while (shebang := _shebang(image)) is not None:
            name, argument = shebang
            argv = [name, *([] if argument is None else [argument]), image.path, *argv[1:]]
            check_limits(argv, envp, path, n_pointers, stack_limit_bytes)
            script, image = image, _open(opener, name, creds, b"#! interpreter")
            script.file.release()
            depth += 1
            if depth > SCRIPT_DEPTH_MAX:
                raise LoadError(ELOOP, f"more than {SCRIPT_DEPTH_MAX} scripts are each other's #! interpreter")
        elf = parse_program(image)
        interpreter = _find_interpreter(opener, elf, creds)
    except BaseException as error:
        image.file.release()
        if depth and isinstance(error, LoadError) and error.errno == ENOEXEC:
            error.reason = f"#! interpreter {_show(image.path)}: {error.reason}"
        raise
    return Program(elf, interpreter, argv, envp, path, creds)


def _shebang(image: Image) -> tuple[bytes, bytes | None] | None:
    """A script's interpreter and its argument; None for what is no script."""
    if not image.buf.startswith(b"#!"):
        return None
    from pyuk.loader.script import parse_shebang  # noqa: PLC0415  # most programs are none

    return parse_shebang(image.buf)


def _find_interpreter(opener: Opener, elf: ElfFile, creds: Credentials) -> ElfFile | None:
    """Open and check the PT_INTERP. The program's own headers are checked again by nobody until it is mapped."""
    path = elf.interpreter_path()
    if path is None:
        return None
    image = _open(opener, path, creds, b"interpreter")
    try:
        return parse_interpreter(image)
    except SyscallError as error:
        image.file.release()
        raise LoadError(error.errno, f"interpreter {_show(path)}: {error.reason}") from None
    except BaseException:
        image.file.release()
        raise


def _open(opener: Opener, path: bytes, creds: Credentials, role: bytes) -> Image:
    """open_exec with a reason that names the file: "interpreter /lib/ld.so: No such file or directory".

    An empty name that a file gives means the cwd, unlike one that a process gives (getname_kernel).
    """
    try:
        return open_exec(opener, path or (b"." if role else b""), creds)
    except SyscallError as error:
        reason = error.reason or message(error.errno)
        if role:
            reason = f"{role.decode()} {_show(path)}: {reason}"
        raise LoadError(error.errno, reason) from None


def _show(path: bytes) -> str:
    return path.decode("utf-8", "backslashreplace")
