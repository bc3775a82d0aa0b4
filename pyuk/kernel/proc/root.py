"""The root of /proc: general files, a directory for each process, self and thread-self (Linux 6.1 fs/proc/root.c)."""

from __future__ import annotations

from pyuk.abi.errno import ENOENT, SyscallError
from pyuk.abi.types import Tid
from pyuk.fs.pseudo.node import Directory, FixedLink, Folder, Node
from pyuk.fs.pseudo.system import PROC_SUPER_MAGIC, PseudoFs
from pyuk.kernel.proc.net import by_length
from pyuk.kernel.proc.plain import PlainText
from pyuk.kernel.proc.subject import Subject
from pyuk.kernel.proc.table import process_directory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from pyuk.kernel.kernel import Kernel
    from pyuk.kernel.task import Process

    Shown = Callable[[Kernel], bytes | Iterable[bytes]]

_PROC_DEV = 22  # an anonymous device: major 0
_ROOT_INO, _FIRST_INO = 1, 0xF0000000  # fs/proc/generic.c, PROC_DYNAMIC_FIRST


def _lazy(module: str, name: str) -> Shown:
    """A function of one of this room's modules, imported when it is first read."""

    def show(kernel: Kernel) -> bytes | Iterable[bytes]:
        from importlib import import_module  # noqa: PLC0415

        made: bytes | Iterable[bytes] = getattr(import_module("pyuk.kernel.proc." + module), name)(kernel)
        return made

    return show


_EMPTY: Shown = lambda _kernel: b""  # noqa: E731
_TEXTS: dict[bytes, Shown] = {
    **{
        name.encode(): _lazy("system", name)
        for name in (
            "cmdline", "devices", "filesystems", "interrupts", "loadavg", "partitions", "softirqs", "stat", "swaps",
            "uptime", "version",
        )
    },
    **{name.encode(): _lazy("meminfo", name) for name in ("buddyinfo", "meminfo", "vmstat", "zoneinfo")},
    b"cgroups": lambda _kernel: b"#subsys_name\thierarchy\tnum_cgroups\tenabled\n",
    b"consoles": _EMPTY,
    b"cpuinfo": _lazy("cpuinfo", "cpuinfo"),
    b"crypto": _EMPTY,
    b"diskstats": _EMPTY,
    b"dma": lambda _kernel: b" 4: cascade\n",
    b"execdomains": lambda _kernel: b"0-0\tLinux           \t[kernel]\n",
    b"iomem": lambda kernel: b"00000000-%08x : System RAM\n" % (kernel.machine.ram.size_bytes - 1),
    b"ioports": _EMPTY,
    b"kallsyms": _EMPTY,
    b"locks": _lazy("locks", "locks"),
    b"misc": _EMPTY,
    b"modules": _EMPTY,
}  # fmt: skip
"""Files of the machine. Not there: what shows hardware or parts of a kernel that this is not (acpi, bus, driver, fb,
irq, kcore, keys, kmsg, kpage*, mtrr, sched_debug, scsi, slabinfo, sysrq-trigger, timer_list, tty, vmallocinfo)."""
_PRESSURES = (b"cpu", b"io", b"memory")
_SYSVIPC_HEADS = {
    b"msg": b"       key      msqid perms      cbytes       qnum lspid lrpid   uid   gid  cuid  cgid      stime      "
    b"rtime      ctime\n",
    b"sem": b"       key      semid perms      nsems   uid   gid  cuid  cgid      otime      ctime\n",
}
"""Of tables that are empty until somebody fills them (Kernel.proc_files)."""


class ProcRoot(Directory):
    """/proc itself. The general files come first, then the processes."""

    __slots__ = ("_kernel", "_links", "_made")

    def __init__(self, kernel: Kernel) -> None:
        super().__init__(_ROOT_INO)
        self._kernel = kernel
        self._links: dict[bytes, Node] = {
            b"self": FixedLink(_FIRST_INO, lambda: b"%d" % kernel.current.process.pid),
            b"thread-self": FixedLink(
                _FIRST_INO + 1, lambda: b"%d/task/%d" % (kernel.current.process.pid, kernel.current.tid)
            ),
        }
        self._made: dict[bytes, Node] | None = None

    @property
    def _children(self) -> dict[bytes, Node]:
        """The general files: made when one is asked for, as a static program only looks for its own name."""
        if self._made is None:
            self._made = self._links | _general(self._kernel)
        return self._made

    @property
    def n_links(self) -> int:
        """A `..` in each of its directories."""
        return 2 + sum(isinstance(node, Directory) for node in self._children.values()) + len(self._kernel.processes)

    def lookup(self, name: bytes) -> Node:
        """See Directory. A thread is found by its tid too, but is not listed."""
        node = self._links.get(name)
        if node is None and not name.isdigit():
            node = self._children.get(name)
        if node is not None:
            return node
        if not name.isdigit() or (name[:1] == b"0" and name != b"0"):
            raise SyscallError(ENOENT)
        kernel = self._kernel
        process = kernel.processes.get(Tid(int(name)))
        if process is not None:
            return process_directory(Subject(kernel, process))
        task = kernel.tasks.get(Tid(int(name)))
        if task is None:
            raise SyscallError(ENOENT)
        return process_directory(Subject(kernel, task.process, task))

    def entries(self) -> Iterator[tuple[bytes, Node]]:
        """As procfs orders them."""
        for name in sorted(self._children, key=_order):
            yield name, self._children[name]
        for process in self._processes():
            yield b"%d" % process.pid, process_directory(Subject(self._kernel, process))

    def _processes(self) -> list[Process]:
        return [process for _, process in sorted(self._kernel.processes.items())]


def _order(name: bytes) -> tuple[bool, int, bytes]:
    """The two links to the reader come last."""
    return (name in (b"self", b"thread-self"), *by_length(name))


def _general(kernel: Kernel) -> dict[bytes, Node]:
    last = _FIRST_INO + 1  # the links have come before

    def new_ino() -> int:
        nonlocal last
        last += 1
        return last

    def text(show: Shown) -> Node:
        return PlainText(new_ino(), lambda: show(kernel), 0o400 if show is _TEXTS[b"iomem"] else 0o444)

    def of_others(path: bytes, head: bytes) -> Node:
        def show() -> bytes | Iterable[bytes]:
            filled = kernel.proc_files.get(path)  # perhaps by now
            return head if filled is None else filled()

        return PlainText(new_ino(), show)

    from pyuk.kernel.proc.sysctl import sys_folder  # noqa: PLC0415
    from pyuk.kernel.proc.system import pressure  # noqa: PLC0415

    children: dict[bytes, Node] = {name: text(show) for name, show in _TEXTS.items()}
    children[b"mounts"] = FixedLink(new_ino(), lambda: b"self/mounts")
    children[b"net"] = FixedLink(new_ino(), lambda: b"self/net")
    children[b"sys"] = sys_folder(kernel, new_ino)
    children[b"pressure"] = Folder(new_ino(), {name: text(pressure) for name in _PRESSURES})
    children[b"fs"] = Folder(new_ino(), {})
    children[b"sysvipc"] = Folder(
        new_ino(),
        {
            b"msg": of_others(b"sysvipc/msg", _SYSVIPC_HEADS[b"msg"]),
            b"sem": of_others(b"sysvipc/sem", _SYSVIPC_HEADS[b"sem"]),
            b"shm": text(_lazy("sysvipc", "shm")),
        },
    )
    return children


def make_proc(kernel: Kernel) -> PseudoFs:
    """The file system to mount on /proc."""
    clock = kernel.clock
    start_ns = clock.realtime_ns() - (clock.boottime_ns() - kernel.accounts.boot_ns)
    return PseudoFs(
        ProcRoot(kernel), PROC_SUPER_MAGIC, _PROC_DEV, lambda: kernel.current.creds, time_ns=start_ns
    )  # fmt: skip
