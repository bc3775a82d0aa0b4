"""/proc/sys: settings of the kernel, by the names of Linux 6.1 (Documentation/admin-guide/sysctl).

What has a setter here can be changed by root; whatever else Linux would let root write is refused with EACCES, as to
anybody else: it would mean nothing.
"""

from __future__ import annotations

from pyuk.abi.capability import CAP_LAST_CAP
from pyuk.abi.errno import EINVAL, SyscallError
from pyuk.fs.file import NR_OPEN
from pyuk.fs.pseudo.node import Folder, Node
from pyuk.kernel.proc.plain import Sysctl
from pyuk.mm import layout
from pyuk.mm.space import MAX_MAP_COUNT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from pyuk.kernel.kernel import Kernel

    Getter = Callable[[Kernel], object]
    Setter = Callable[[Kernel, bytes], None]

_NAME_BYTES = 64
_UUID_TEXT = "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}"


class Setting:
    """One name: its mode, what it says, and what sets it."""

    __slots__ = ("get", "mode", "set")

    def __init__(self, get: Getter, mode: int = 0o644, set: Setter | None = None) -> None:  # noqa: A002
        self.get = get
        self.mode = mode
        self.set = set


def _fixed(value: object, mode: int = 0o644) -> Setting:
    return Setting(lambda _kernel: value, mode)


def _total_kib(kernel: Kernel) -> int:
    return kernel.machine.ram.size_bytes >> 10


def _threads_max(kernel: Kernel) -> int:
    """An eighth of the memory for stacks of 16 KiB (kernel/fork.c, set_max_threads)."""
    return max(20, min(kernel.machine.ram.size_bytes // (16384 * 8), (1 << 30) - 1))


def _uuid(data: bytes) -> str:
    """A random one of version 4 (lib/uuid.c)."""
    number = int.from_bytes(data, "big") & ~(0xF000 << 64 | 0xC000 << 48) | 0x4000 << 64 | 0x8000 << 48
    return _UUID_TEXT.format(
        number >> 96, number >> 80 & 0xFFFF, number >> 64 & 0xFFFF, number >> 48 & 0xFFFF, number & (1 << 48) - 1
    )


def _boot_id(kernel: Kernel) -> str:
    if not kernel.identity.boot_id:
        kernel.identity.boot_id = _uuid(kernel.random.bytes(16))
    return kernel.identity.boot_id


def _set_hostname(kernel: Kernel, data: bytes) -> None:
    kernel.identity.nodename = _name(data)


def _set_domainname(kernel: Kernel, data: bytes) -> None:
    kernel.identity.domainname = _name(data)


def _name(data: bytes) -> str:
    """proc_do_uts_string: up to the newline."""
    return data.split(b"\n")[0].split(b"\0")[0][:_NAME_BYTES].decode("utf-8", "surrogateescape")


def _drop_caches(kernel: Kernel, data: bytes) -> None:
    """1 to 4; 1 and 3 forget clean pages of files that nobody maps."""
    text = data.split(b"\0")[0].strip()
    if not text.isdigit() or not 1 <= int(text) <= 4:  # noqa: PLR2004
        raise SyscallError(EINVAL)
    if int(text) & 1:
        while kernel.cache.reclaim():
            pass


_KERNEL: dict[str, Setting] = {
    "acct": _fixed("4\t2\t30"),
    "auto_msgmni": _fixed(0),
    "bootloader_type": _fixed(0, 0o444),
    "bootloader_version": _fixed(0, 0o444),
    "cad_pid": Setting(lambda kernel: 1 if kernel.init is None else kernel.init.pid, 0o600),
    "cap_last_cap": _fixed(CAP_LAST_CAP, 0o444),
    "core_pattern": _fixed("core"),
    "core_pipe_limit": _fixed(0),
    "core_uses_pid": _fixed(0),
    "ctrl-alt-del": _fixed(0),
    "dmesg_restrict": _fixed(1),
    "domainname": Setting(lambda kernel: kernel.identity.domainname, 0o644, _set_domainname),
    "hostname": Setting(lambda kernel: kernel.identity.nodename, 0o644, _set_hostname),
    "hung_task_timeout_secs": _fixed(120),
    "kptr_restrict": _fixed(0),
    "modprobe": _fixed("/sbin/modprobe"),
    "modules_disabled": _fixed(1),
    "msgmax": _fixed(8192),
    "msgmnb": _fixed(16384),
    "msgmni": _fixed(32000),
    "ngroups_max": _fixed(65536, 0o444),
    "numa_balancing": _fixed(0),
    "osrelease": Setting(lambda kernel: kernel.identity.release, 0o444),
    "ostype": Setting(lambda kernel: kernel.identity.sysname, 0o444),
    "overflowgid": _fixed(65534),
    "overflowuid": _fixed(65534),
    "panic": _fixed(0),
    "panic_on_oops": _fixed(0),
    "perf_event_paranoid": _fixed(3),
    "pid_max": _fixed(4194304),
    "printk": _fixed("4\t4\t1\t7"),
    "pty/max": _fixed(4096),
    "pty/nr": _fixed(0, 0o444),
    "pty/reserve": _fixed(1024),
    "random/boot_id": Setting(_boot_id, 0o444),
    "random/entropy_avail": _fixed(256, 0o444),
    "random/poolsize": _fixed(256, 0o444),
    "random/urandom_min_reseed_secs": _fixed(60),
    "random/uuid": Setting(lambda kernel: _uuid(kernel.random.bytes(16)), 0o444),
    "random/write_wakeup_threshold": _fixed(256),
    "randomize_va_space": _fixed(0),
    "sched_child_runs_first": _fixed(0),
    "sched_rr_timeslice_ms": _fixed(100),
    "sched_rt_period_us": _fixed(1000000),
    "sched_rt_runtime_us": _fixed(950000),
    "seccomp/actions_avail": _fixed("kill_process kill_thread trap errno user_notif trace log allow", 0o444),
    "sem": _fixed("32000\t1024000000\t500\t32000"),
    "shm_rmid_forced": _fixed(0),
    "shmall": _fixed((1 << 64) - 1 - (1 << 24)),
    "shmmax": _fixed((1 << 64) - 1 - (1 << 24)),
    "shmmni": _fixed(4096),
    "soft_watchdog": _fixed(0),
    "sysrq": _fixed(438),
    "tainted": _fixed(0),
    "threads-max": Setting(_threads_max),
    "unprivileged_bpf_disabled": _fixed(2),
    "unprivileged_userns_clone": _fixed(0),
    "version": Setting(lambda kernel: kernel.identity.version, 0o444),
    "yama/ptrace_scope": _fixed(0),
}
_VM: dict[str, Setting] = {
    "admin_reserve_kbytes": _fixed(8192),
    "compact_memory": Setting(lambda _kernel: "", 0o200),
    "dirty_background_bytes": _fixed(0),
    "dirty_background_ratio": _fixed(10),
    "dirty_bytes": _fixed(0),
    "dirty_expire_centisecs": _fixed(3000),
    "dirty_ratio": _fixed(20),
    "dirty_writeback_centisecs": _fixed(500),
    "drop_caches": Setting(lambda _kernel: 0, 0o200, _drop_caches),
    "max_map_count": _fixed(MAX_MAP_COUNT),
    "min_free_kbytes": _fixed(0),
    "mmap_min_addr": _fixed(layout.MMAP_MIN_ADDR),
    "nr_hugepages": _fixed(0),
    "nr_overcommit_hugepages": _fixed(0),
    "oom_dump_tasks": _fixed(1),
    "oom_kill_allocating_task": _fixed(0),
    "overcommit_kbytes": _fixed(0),
    "overcommit_memory": _fixed(0),
    "overcommit_ratio": _fixed(50),
    "page-cluster": _fixed(3),
    "panic_on_oom": _fixed(0),
    "swappiness": _fixed(60),
    "unprivileged_userfaultfd": _fixed(0),
    "user_reserve_kbytes": Setting(lambda kernel: min(_total_kib(kernel) // 32, 131072)),
    "vfs_cache_pressure": _fixed(100),
    "zone_reclaim_mode": _fixed(0),
}
_FS: dict[str, Setting] = {
    "aio-max-nr": _fixed(65536),
    "aio-nr": _fixed(0, 0o444),
    "dentry-state": _fixed("0\t0\t45\t0\t0\t0", 0o444),
    "epoll/max_user_watches": Setting(lambda kernel: _total_kib(kernel) * 1024 // 25 // 160),
    "file-max": _fixed((1 << 63) - 1),
    "file-nr": Setting(lambda kernel: f"{_n_files(kernel)}\t0\t{(1 << 63) - 1}", 0o444),
    "inode-nr": _fixed("0\t0", 0o444),
    "inode-state": _fixed("0\t0\t0\t0\t0\t0\t0", 0o444),
    "inotify/max_queued_events": _fixed(16384),
    "inotify/max_user_instances": _fixed(128),
    "inotify/max_user_watches": Setting(lambda kernel: max(8192, min(_total_kib(kernel) * 1024 // 114400, 1048576))),
    "lease-break-time": _fixed(45),
    "leases-enable": _fixed(1),
    "mount-max": _fixed(100000),
    "mqueue/msg_default": _fixed(10),
    "mqueue/msg_max": _fixed(10),
    "mqueue/msgsize_default": _fixed(8192),
    "mqueue/msgsize_max": _fixed(8192),
    "mqueue/queues_max": _fixed(256),
    "nr_open": _fixed(NR_OPEN),
    "overflowgid": _fixed(65534),
    "overflowuid": _fixed(65534),
    "pipe-max-size": _fixed(1048576),
    "pipe-user-pages-hard": _fixed(0),
    "pipe-user-pages-soft": _fixed(16384),
    "protected_fifos": _fixed(1, 0o600),
    "protected_hardlinks": _fixed(1, 0o600),
    "protected_regular": _fixed(2, 0o600),
    "protected_symlinks": _fixed(1, 0o600),
    "suid_dumpable": _fixed(0),
}
_NET: dict[str, Setting] = {
    "core/optmem_max": _fixed(20480),
    "core/rmem_default": _fixed(212992),
    "core/rmem_max": _fixed(212992),
    "core/somaxconn": _fixed(4096),
    "core/wmem_default": _fixed(212992),
    "core/wmem_max": _fixed(212992),
    "ipv4/ip_forward": _fixed(0),
    "ipv4/ip_local_port_range": _fixed("32768\t60999"),
    "ipv4/tcp_rmem": _fixed("4096\t131072\t6291456"),
    "ipv4/tcp_wmem": _fixed("4096\t16384\t4194304"),
    "unix/max_dgram_qlen": _fixed(512),
}
_USER = {
    f"max_{name}_namespaces": Setting(lambda kernel: _threads_max(kernel) // 2)
    for name in ("cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts")
}
_STRINGS = (
    "core_pattern", "domainname", "hostname", "modprobe", "osrelease", "ostype", "version", "boot_id", "uuid",
    "actions_avail",
)  # fmt: skip


def _n_files(kernel: Kernel) -> int:
    """Open file descriptions, each once."""
    tables = {id(task.files): task.files for task in kernel.tasks.values()}
    return len({id(table.get_any(fd)) for table in tables.values() for fd in table.numbers()})


class SysFolder(Folder):
    """A directory of settings, which does not count its names."""

    __slots__ = ()
    n_links = 1


def sys_folder(kernel: Kernel, new_ino: Callable[[], int]) -> Folder:
    """/proc/sys."""
    tops = {"debug": {}, "dev": {}, "fs": _FS, "kernel": _KERNEL, "net": _NET, "user": _USER, "vm": _VM}
    return SysFolder(
        new_ino(), {name.encode(): _folder(kernel, new_ino, settings) for name, settings in tops.items()}
    )  # fmt: skip


def _folder(kernel: Kernel, new_ino: Callable[[], int], settings: dict[str, Setting]) -> Folder:
    """A table as a tree: its names may have slashes. Names are in the order of their bytes."""
    below: dict[str, dict[str, Setting]] = {}
    here: dict[str, Setting] = {}
    for path, setting in settings.items():
        first, _, rest = path.partition("/")
        if rest:
            below.setdefault(first, {})[rest] = setting
        else:
            here[first] = setting
    children: dict[bytes, Node] = {}
    for name in sorted({*below, *here}):
        if name in below:
            children[name.encode()] = _folder(kernel, new_ino, below[name])
        else:
            children[name.encode()] = _node(kernel, new_ino(), name, here[name])
    return SysFolder(new_ino(), children)


def _node(kernel: Kernel, ino: int, name: str, setting: Setting) -> Node:
    get, put = setting.get, setting.set

    def show() -> bytes:
        return f"{get(kernel)}\n".encode("utf-8", "surrogateescape")

    return Sysctl(
        ino, show, setting.mode, None if put is None else lambda data: put(kernel, data),
        is_number=name not in _STRINGS,
    )  # fmt: skip
