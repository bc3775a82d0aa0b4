"""/proc has the form of the host's: names, keys, numbers of fields, but for what is listed here with a reason."""

from __future__ import annotations

import re
import shutil
from functools import cache
from pathlib import Path

import pytest

from tests.native import run_native, run_pyuk

pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the host's /proc is what is compared")

NAMES = [
    "arch_status",
    "attr",
    "auxv",
    "cgroup",
    "clear_refs",
    "cmdline",
    "comm",
    "coredump_filter",
    "cpuset",
    "cwd",
    "environ",
    "exe",
    "fd",
    "fdinfo",
    "gid_map",
    "io",
    "limits",
    "loginuid",
    "map_files",
    "maps",
    "mem",
    "mountinfo",
    "mounts",
    "mountstats",
    "net",
    "ns",
    "numa_maps",
    "oom_adj",
    "oom_score",
    "oom_score_adj",
    "pagemap",
    "personality",
    "projid_map",
    "root",
    "sched",
    "schedstat",
    "sessionid",
    "setgroups",
    "smaps",
    "smaps_rollup",
    "stack",
    "stat",
    "statm",
    "status",
    "syscall",
    "task",
    "timers",
    "timerslack_ns",
    "uid_map",
    "wchan",
]
"""What Linux 6.1 as Debian builds it has in /proc/PID, but for: autogroup, cpu_resctrl_groups, ksm_merging_pages,
ksm_stat, latency, patch_state, timens_offsets, which are about things that do not exist here."""
CONFIGURED = {"arch_status", "cgroup", "cpuset", "io", "loginuid", "map_files", "numa_maps", "projid_map", "sched",
              "schedstat", "sessionid", "stack", "timers", "uid_map", "gid_map", "setgroups", "clear_refs", "pagemap",
              "smaps", "smaps_rollup", "attr", "coredump_filter", "syscall", "timerslack_ns"}  # fmt: skip
"""Names that a host's kernel may have been built without."""
NEWER = {
    "status": {"Kthread", "untag_mask", "x86_Thread_features", "x86_Thread_features_locked", "Tgid"},
    "smaps": {"KSM", "ProtectionKey"},
    "smaps_rollup": {"KSM"},
    "meminfo": {
        "Unaccepted",
        "Balloon",
        "CmaTotal",
        "CmaFree",
        "GPUActive",
        "GPUReclaim",
        "DirectMap1G",
        "DirectMap4M",
    },
    "io": set(),
    "cpuinfo": {"microcode", "vmx flags", "TLB size", "clflush size", "bugs"},
}
"""Keys of newer kernels, or of hardware that is not here."""
CONFIGURED_KEYS = {
    "status": {
        "Seccomp_filters",
        "Speculation_Store_Bypass",
        "SpeculationIndirectBranch",
        "THP_enabled",
        "CoreDumping",
    },
    "meminfo": {
        "Zswap",
        "Zswapped",
        "SecPageTables",
        "HardwareCorrupted",
        "NFS_Unstable",
        "Bounce",
        "WritebackTmp",
        "Percpu",
    },
    "cpuinfo": {"bugs"},
}
SCRIPT = """
cd /proc/self
for f in status stat statm limits io schedstat smaps smaps_rollup maps mountinfo mounts personality cgroup; do
    echo "==== $f"; cat $f
done
cd /proc
for f in meminfo stat loadavg uptime vmstat cpuinfo softirqs filesystems swaps interrupts version; do
    echo "==== /$f"; cat $f
done
echo "==== names"; ls self/
echo "==== attr"; ls self/attr
echo "==== ns"; ls self/ns
echo "==== fdinfo"; cat self/fdinfo/0
"""


def _texts(output: bytes) -> dict[str, str]:
    pieces = output.decode(errors="replace").split("==== ")[1:]
    return {piece.partition("\n")[0]: piece.partition("\n")[2] for piece in pieces}


@cache
def both(directory: Path) -> tuple[dict[str, str], dict[str, str]]:
    """What the script shows on the host and on pyuk."""
    native = run_native("/bin/sh", ["-c", SCRIPT], cwd=directory)
    here = run_pyuk("/bin/sh", ["-c", SCRIPT], cwd=directory)
    assert not here.stderr, here
    return _texts(native.stdout), _texts(here.stdout)


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, str], dict[str, str]]:
    """Made once."""
    return both(tmp_path_factory.mktemp("shape"))


def _keys(text: str) -> list[str]:
    return [line.partition(":")[0].strip() for line in text.splitlines() if ":" in line]


def test_names(texts: tuple[dict[str, str], dict[str, str]]) -> None:
    """/proc/PID has what 6.1 has; the host has the same."""
    native, here = (set(one["names"].split()) for one in texts)
    assert sorted(here) == sorted(NAMES)
    assert set(NAMES) - native <= CONFIGURED
    for directory in ("ns", "attr"):
        assert set(texts[1][directory].split()) <= set(texts[0][directory].split()) or directory == "attr"


@pytest.mark.parametrize("name", ["status", "io", "smaps", "smaps_rollup", "/meminfo", "/cpuinfo"])
def test_keys(texts: tuple[dict[str, str], dict[str, str]], name: str) -> None:
    """The lines have the host's names, in the host's order."""
    native, here = (list(dict.fromkeys(_keys(one[name]))) for one in texts)
    bare = name.strip("/")
    if bare.startswith("smaps"):
        native, here = ([key for key in keys if " " not in key and "-" not in key] for keys in (native, here))
    extra = CONFIGURED_KEYS.get(bare, set())
    assert [key for key in here if key in native] == [key for key in native if key in here]
    assert set(here) - set(native) <= extra
    assert set(native) - set(here) <= NEWER[bare] | extra


@pytest.mark.parametrize(
    ("name", "n_fields"), [("stat", 52), ("statm", 7), ("schedstat", 3), ("/loadavg", 5), ("/uptime", 2)]
)
def test_numbers_of_fields(texts: tuple[dict[str, str], dict[str, str]], name: str, n_fields: int) -> None:
    """One line of so many words."""
    for one in texts:
        assert [len(line.split()) for line in one[name].splitlines()] == [n_fields], one[name]


@pytest.mark.parametrize("name", ["limits", "personality"])
def test_known_values(texts: tuple[dict[str, str], dict[str, str]], name: str) -> None:
    """What both processes have alike is the same text."""
    assert texts[1][name] == texts[0][name]


FORMS = {
    "maps": r"[0-9a-f]{8,16}-[0-9a-f]{8,16} [r-][w-][x-][ps] [0-9a-f]{8} [0-9a-f]{2,}:[0-9a-f]{2,} \d+ (.*\S)?",
    "mountinfo": r"\d+ \d+ \d+:\d+ /\S* /\S* \S+ (\S+:\d+ )*- \S+ \S+ \S+",
    "mounts": r"\S+ /\S* \S+ \S+ 0 0",
    "cgroup": r"\d+:[^:]*:/.*",
    "fdinfo": r"(pos|flags|mnt_id|ino):\t\d+",
    "/vmstat": r"[a-z_0-9]+ \d+",
    "/softirqs": r" +(CPU\d+ +)+| *[A-Z_]+:( +\d+)+",
    "/filesystems": r"(nodev)?\t[a-z0-9_.]+",
    "/version": r"Linux version \S+ \(\S+\) \(.*\) #.*",
    "/stat": r"(cpu\d*) +(\d+ ?){10}|(intr|softirq)( \d+)+|(ctxt|btime|processes|procs_running|procs_blocked) \d+",
}


@pytest.mark.parametrize("name", FORMS)
def test_forms_of_lines(texts: tuple[dict[str, str], dict[str, str]], name: str) -> None:
    """Every line is of the form that every line of the host's has."""
    for one in texts:
        wrong = [line for line in one[name].splitlines() if not re.fullmatch(FORMS[name], line)]
        assert not wrong
        assert one[name]


def test_counters_are_the_hosts_names(texts: tuple[dict[str, str], dict[str, str]]) -> None:
    """vmstat has no name that the host does not have; newer kernels have dropped a few."""
    native, here = ({line.split()[0] for line in one["/vmstat"].splitlines()} for one in texts)
    assert here - native <= {"nr_bounce", "numa_interleave", "nr_zspages", "nr_free_cma", "nr_sec_page_table_pages",
                             "nr_swapcached", "numa_hit", "numa_miss", "numa_foreign", "numa_local", "numa_other",
                             "swap_ra", "swap_ra_hit", "nr_writeback_temp"}  # fmt: skip


TOOLS = {
    "ps": ("ps aux; ps -ef; ps -eLf; ps -o pid,ppid,stat,wchan:20,comm,args", r"PID.*COMMAND"),
    "free": ("free; free -h", r"Mem: +\d+ +\d+ +\d+ +\d+ +\d+ +\d+"),
    "vmstat": ("vmstat 1 2", r" *\d+( +\d+){16}"),
    "uptime": ("uptime", r".* up .*load average: \d+\.\d\d, \d+\.\d\d, \d+\.\d\d"),
    "top": ("top -b -n1", r"Tasks: +\d+ total, +\d+ running"),
    "pgrep": ("sleep 9 & pgrep -x sleep; kill $!", r"\d+"),
    "pmap": ("pmap $$; pmap -x $$", r"total"),
    "pidof": ("sleep 9 & pidof sleep; kill $!", r"\d+"),
    "lscpu": ("lscpu", r"CPU\(s\): +1"),
    "nproc": ("nproc", r"1"),
    "findmnt": ("findmnt", r"/proc +proc +proc"),
    "mount": ("mount", r"proc on /proc type proc \("),
    "df": ("df", r"Filesystem"),
    "lsof": ("lsof -p $$", r"cwd +DIR"),
}


@pytest.mark.parametrize("tool", TOOLS)
def test_tools(tool: str, tmp_path: Path) -> None:
    """The programs that live on /proc run, say nothing on standard error and show what they are to show."""
    if shutil.which(tool) is None:
        pytest.skip(f"{tool} is not installed (Debian package procps, psmisc, lsof or util-linux)")
    script, wanted = TOOLS[tool]
    outcome = run_pyuk("/bin/sh", ["-c", script], cwd=tmp_path)
    assert outcome.status in {0, 143}, outcome
    assert not [line for line in outcome.stderr.splitlines() if b"Terminated" not in line], outcome
    assert re.search(wanted, outcome.stdout.decode()), outcome
