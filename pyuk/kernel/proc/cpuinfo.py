"""/proc/cpuinfo: the emulated CPU as its CPUID says it is.

Source: Linux 6.1 arch/x86/kernel/cpu/proc.c; the names are those of arch/x86/include/asm/cpufeatures.h.
"""

from __future__ import annotations

from pyuk.machine.cpuid import read_leaves

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyuk.kernel.kernel import Kernel
    from pyuk.machine.cpuid import Leaf

_VENDOR, _FEATURES, _EXTENDED, _SIZES = (0, 0), (1, 0), (0x80000001, 0), (0x80000008, 0)
_CACHES = [(4, index) for index in range(4)]
_BRAND = ((0x80000002, 0), (0x80000003, 0), (0x80000004, 0))
_NAMES_1_EDX = (
    "fpu", "vme", "de", "pse", "tsc", "msr", "pae", "mce", "cx8", "apic", "-", "sep", "mtrr", "pge", "mca", "cmov",
    "pat", "pse36", "pn", "clflush", "-", "dts", "acpi", "mmx", "fxsr", "sse", "sse2", "ss", "ht", "tm", "ia64",
    "pbe",
)  # fmt: skip
_NAMES_1_ECX = (
    "pni", "pclmulqdq", "dtes64", "monitor", "ds_cpl", "vmx", "smx", "est", "tm2", "ssse3", "cid", "sdbg", "fma",
    "cx16", "xtpr", "pdcm", "-", "pcid", "dca", "sse4_1", "sse4_2", "x2apic", "movbe", "popcnt",
    "tsc_deadline_timer", "aes", "xsave", "-", "avx", "f16c", "rdrand", "hypervisor",
)  # fmt: skip
_NAMES_81_EDX = {
    11: "syscall", 19: "mp", 20: "nx", 22: "mmxext", 25: "fxsr_opt", 26: "pdpe1gb", 27: "rdtscp", 29: "lm",
    30: "3dnowext", 31: "3dnow",
}  # fmt: skip
_NAMES_81_ECX = (
    "lahf_lm", "cmp_legacy", "svm", "extapic", "cr8_legacy", "abm", "sse4a", "misalignsse", "3dnowprefetch", "osvw",
    "ibs", "xop", "skinit", "wdt",
)  # fmt: skip
_OWN_NAMES = ["rep_good", "nopl", "cpuid"]
"""What the kernel finds out by itself, as far as it holds here."""

_found: dict[tuple[int, int], Leaf] = {}


def _leaves() -> dict[tuple[int, int], Leaf]:
    """Asked once."""
    if not _found:
        _found.update(read_leaves([_VENDOR, _FEATURES, _EXTENDED, *_BRAND, *_CACHES, _SIZES]))
    return _found


def _set_bits(word: int, names: tuple[str, ...] | dict[int, str]) -> list[str]:
    known = names if isinstance(names, dict) else dict(enumerate(names))
    return [name for bit, name in known.items() if word >> bit & 1 and name != "-"]


def flags() -> list[str]:
    """The features by the kernel's names, in its order."""
    leaves = _leaves()
    _, _, ecx, edx = leaves[_FEATURES]
    _, _, more_ecx, more_edx = leaves[_EXTENDED]
    return [
        *_set_bits(edx, _NAMES_1_EDX), *_set_bits(more_edx, _NAMES_81_EDX), *_OWN_NAMES, *_set_bits(ecx, _NAMES_1_ECX),
        *_set_bits(more_ecx, _NAMES_81_ECX),
    ]  # fmt: skip


class Cache:
    """A cache of the CPU (CPUID leaf 4). kind: 1 data, 2 instructions, 3 both."""

    __slots__ = ("kind", "level", "line_bytes", "n_partitions", "n_sets", "n_ways")

    def __init__(self, leaf: Leaf) -> None:
        eax, ebx, ecx, _ = leaf
        self.kind, self.level = eax & 31, eax >> 5 & 7
        self.line_bytes = (ebx & 0xFFF) + 1
        self.n_partitions, self.n_ways = (ebx >> 12 & 0x3FF) + 1, (ebx >> 22) + 1
        self.n_sets = ecx + 1

    @property
    def size_bytes(self) -> int:
        """All of it."""
        return self.line_bytes * self.n_partitions * self.n_ways * self.n_sets


def caches() -> list[Cache]:
    """The smallest first; the last is what cpuinfo shows (arch/x86/kernel/cpu/cacheinfo.c)."""
    leaves = _leaves()
    return [Cache(leaves[leaf]) for leaf in _CACHES if leaves[leaf][0] & 31]


class Model:
    """Who made the CPU, and which it is."""

    __slots__ = (
        "cache_kib", "clflush_bytes", "family", "model", "name", "physical_bits", "stepping", "vendor", "virtual_bits",
    )  # fmt: skip

    def __init__(self) -> None:
        leaves = _leaves()
        _, ebx, ecx, edx = leaves[_VENDOR]
        self.vendor = b"".join([word.to_bytes(4, "little") for word in (ebx, edx, ecx)]).decode()
        signature, ebx, _, _ = leaves[_FEATURES]
        family, extended = signature >> 8 & 15, signature >> 16 & 15
        self.family = family + (signature >> 20 & 0xFF) if family == 15 else family  # noqa: PLR2004
        self.model = signature >> 4 & 15 | (extended << 4 if family in (6, 15) else 0)
        self.stepping = signature & 15
        self.clflush_bytes = (ebx >> 8 & 0xFF) * 8
        brand = b"".join([word.to_bytes(4, "little") for leaf in _BRAND for word in leaves[leaf]])
        self.name = brand.split(b"\0")[0].decode().strip()
        self.cache_kib = caches()[-1].size_bytes >> 10
        self.physical_bits, self.virtual_bits = leaves[_SIZES][0] & 0xFF, leaves[_SIZES][0] >> 8 & 0xFF


def cpuinfo(kernel: Kernel) -> Iterator[bytes]:
    """A record for each CPU."""
    model = Model()
    level = _leaves()[_VENDOR][0]
    n_cpus = kernel.n_cpus
    for cpu in range(n_cpus):
        rows = (
            ("processor", "\t", cpu), ("vendor_id", "\t", model.vendor), ("cpu family", "\t", model.family),
            ("model", "\t\t", model.model), ("model name", "\t", model.name), ("stepping", "\t", model.stepping),
            ("cpu MHz", "\t\t", f"{kernel.tsc_khz // 1000}.{kernel.tsc_khz % 1000:03}"),
            ("cache size", "\t", f"{model.cache_kib} KB"), ("physical id", "\t", 0), ("siblings", "\t", n_cpus),
            ("core id", "\t\t", cpu), ("cpu cores", "\t", n_cpus), ("apicid", "\t\t", cpu),
            ("initial apicid", "\t", cpu), ("fpu", "\t\t", "yes"), ("fpu_exception", "\t", "yes"),
            ("cpuid level", "\t", level), ("wp", "\t\t", "yes"), ("flags", "\t\t", " ".join(flags())),
            ("bugs", "\t\t", ""),
            ("bogomips", "\t", f"{kernel.tsc_khz // 500}.{kernel.tsc_khz // 5 % 100:02}"),
            ("clflush size", "\t", model.clflush_bytes), ("cache_alignment", "\t", model.clflush_bytes),
            ("address sizes", "\t", f"{model.physical_bits} bits physical, {model.virtual_bits} bits virtual"),
            ("power management", "", ""),
        )  # fmt: skip
        text = "".join([f"{name}{tabs}: {value}\n" for name, tabs, value in rows])
        yield text.replace("power management: ", "power management:").encode() + b"\n"
