"""/sys: the CPU, the memory node and the settings of memory that exist here (Documentation/ABI of Linux 6.1).

Deviation: only what programs look for and what is true of this machine; there are no buses, drivers or modules, and
nothing can be written.
"""

from __future__ import annotations

from pyuk.abi.errno import EPERM
from pyuk.abi.unistd import W_OK
from pyuk.fs.pseudo.node import Directory, FixedLink, Folder, Node
from pyuk.fs.pseudo.system import SYSFS_MAGIC, PseudoFs
from pyuk.kernel.proc.facts import cpu_list, cpu_mask
from pyuk.kernel.proc.plain import PlainText

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from pyuk.fs.permission import Who
    from pyuk.kernel.kernel import Kernel

    Tree = dict[str, "str | Callable[[Kernel], str] | LinkTo | Tree"]

_SYS_DEV = 23  # an anonymous device: major 0
_VULNERABILITIES = (
    "itlb_multihit", "l1tf", "mds", "meltdown", "mmio_stale_data", "retbleed", "spec_store_bypass", "spectre_v1",
    "spectre_v2", "srbds", "tsx_async_abort",
)  # fmt: skip
_CACHE_TYPES = {1: "Data", 2: "Instruction", 3: "Unified"}


class LinkTo:
    """A symbolic link."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text


class Attribute(PlainText):
    """A file of sysfs: one page, as stat(2) has it. Even root does not open for writing what has no writer."""

    __slots__ = ()
    size_bytes = 4096
    map_errno = 0

    def allows(self, who: Who, wanted: int) -> bool:
        """See Node (fs/kernfs/file.c, kernfs_fop_open)."""
        return not wanted & W_OK and super().allows(who, wanted)


def _list(kernel: Kernel) -> str:
    return cpu_list(cpu_mask(kernel))


def _mask(kernel: Kernel) -> str:
    return f"{cpu_mask(kernel):x}"


def _topology(cpu: int) -> Tree:
    own_mask, own_list = f"{1 << cpu:x}", str(cpu)
    return {
        "cluster_cpus": own_mask, "cluster_cpus_list": own_list, "cluster_id": "65535",
        "core_cpus": own_mask, "core_cpus_list": own_list, "core_id": own_list, "core_siblings": _mask,
        "core_siblings_list": _list, "die_cpus": _mask, "die_cpus_list": _list, "die_id": "0", "package_cpus": _mask,
        "package_cpus_list": _list, "physical_package_id": "0", "thread_siblings": own_mask,
        "thread_siblings_list": own_list,
    }  # fmt: skip


def _caches(cpu: int) -> Tree:
    from pyuk.kernel.proc.cpuinfo import caches  # noqa: PLC0415

    return {
        f"index{index}": {
            "coherency_line_size": str(cache.line_bytes), "id": str(cpu), "level": str(cache.level),
            "number_of_sets": str(cache.n_sets), "physical_line_partition": str(cache.n_partitions),
            "shared_cpu_list": str(cpu), "shared_cpu_map": f"{1 << cpu:x}", "size": f"{cache.size_bytes >> 10}K",
            "type": _CACHE_TYPES[cache.kind], "ways_of_associativity": str(cache.n_ways),
        }
        for index, cache in enumerate(caches())
    }  # fmt: skip


def _node_meminfo(kernel: Kernel) -> str:
    from pyuk.kernel.proc.meminfo import meminfo  # noqa: PLC0415

    lines = meminfo(kernel).decode().splitlines()
    wanted = ("MemTotal", "MemFree", "Active", "Inactive", "AnonPages", "Mapped", "Shmem", "PageTables", "HugePages")
    return "\n".join([f"Node 0 {line}" for line in lines if line.startswith(wanted)])


def _huge_pages() -> Tree:
    names = ("free_hugepages", "nr_hugepages", "nr_overcommit_hugepages", "resv_hugepages", "surplus_hugepages")
    return {"hugepages-2048kB": dict.fromkeys(names, "0")}


def _tree(kernel: Kernel) -> Tree:
    cpus: Tree = {
        f"cpu{cpu}": {
            "cache": _caches(cpu), "node0": LinkTo("../../node/node0"), "subsystem": LinkTo("../../../../bus/cpu"),
            "topology": _topology(cpu),
        }
        for cpu in range(kernel.n_cpus)
    }  # fmt: skip
    node: Tree = {f"cpu{cpu}": LinkTo(f"../../cpu/cpu{cpu}") for cpu in range(kernel.n_cpus)}
    devices: Tree = {
        "system": {
            "cpu": {
                **cpus, "isolated": "", "kernel_max": "8191", "offline": "", "online": _list, "possible": _list,
                "present": _list, "smt": {"active": "0", "control": "notsupported"},
                "vulnerabilities": dict.fromkeys(_VULNERABILITIES, "Not affected"),
            },
            "node": {
                "has_cpu": "0", "has_memory": "0", "has_normal_memory": "0",
                "node0": {
                    **node, "cpulist": _list, "cpumap": _mask, "distance": "10", "hugepages": _huge_pages(),
                    "meminfo": _node_meminfo,
                },
                "online": "0", "possible": "0",
            },
        },
        "virtual": {"net": {}},
    }  # fmt: skip
    buses: Tree = {f"cpu{cpu}": LinkTo(f"../../../devices/system/cpu/cpu{cpu}") for cpu in range(kernel.n_cpus)}
    links: Tree = {}
    if b"net/dev" in kernel.proc_files:
        devices["virtual"] = {"net": {"lo": _loopback()}}
        links["lo"] = LinkTo("../../devices/virtual/net/lo")
    return {
        "block": {},
        "bus": {"cpu": {"devices": buses}},
        "class": {"net": links},
        "dev": {"block": {}, "char": {}},
        "devices": devices,
        "firmware": {},
        "fs": {"cgroup": {}},
        "kernel": {
            "fscaps": "1", "kexec_crash_loaded": "0", "kexec_loaded": "0",
            "mm": {"hugepages": _huge_pages(), "transparent_hugepage": _transparent()},
            "profiling": "0", "uevent_seqnum": "0",
        },
        "module": {},
        "power": {},
    }  # fmt: skip


def _transparent() -> Tree:
    """What mm/fault.py does: 2 MiB pages wherever they fit."""
    return {
        "defrag": "always defer defer+madvise madvise [never]", "enabled": "[always] madvise never",
        "hpage_pmd_size": "2097152", "khugepaged": {"defrag": "0", "full_scans": "0", "pages_collapsed": "0"},
        "shmem_enabled": "always within_size advise [never] deny force", "use_zero_page": "0",
    }  # fmt: skip


def _loopback() -> Tree:
    """The one interface (net/core/net-sysfs.c)."""
    return {
        "addr_assign_type": "0", "addr_len": "6", "address": "00:00:00:00:00:00", "broadcast": "00:00:00:00:00:00",
        "carrier": "1", "dev_id": "0x0", "dormant": "0", "flags": "0x9", "ifindex": "1", "iflink": "1",
        "link_mode": "0", "mtu": "65536", "operstate": "unknown", "subsystem": LinkTo("../../../../class/net"),
        "tx_queue_len": "1000", "type": "772",
    }  # fmt: skip


def make_sys(kernel: Kernel) -> PseudoFs:
    """The file system to mount on /sys."""
    last = 0

    def build(tree: Tree) -> Directory:
        nonlocal last
        last += 1
        ino = last
        children: dict[bytes, Node] = {}
        for name, value in sorted(tree.items()):
            if isinstance(value, dict):
                children[name.encode()] = build(value)
                continue
            last += 1
            if isinstance(value, LinkTo):
                children[name.encode()] = FixedLink(last, value.text.encode)
            else:
                children[name.encode()] = Attribute(last, _shower(kernel, value))
        return Folder(ino, children, 0o755)

    clock = kernel.clock
    start_ns = clock.realtime_ns() - (clock.boottime_ns() - kernel.accounts.boot_ns)
    return PseudoFs(
        build(_tree(kernel)), SYSFS_MAGIC, _SYS_DEV, lambda: kernel.current.creds, time_ns=start_ns, absent_errno=EPERM
    )


def _shower(kernel: Kernel, value: str | Callable[[Kernel], str]) -> Callable[[], bytes]:
    def show() -> bytes:
        text = value if isinstance(value, str) else value(kernel)
        return text.encode() + b"\n"

    return show
