"""The scrubber takes out what changes from run to run, and nothing else."""

from __future__ import annotations

import re

import pytest

from tests.scrub import HOST_DIFFERENCES, TextDifference, misaligned_lines, scrub_output, scrub_trace

KEPT = [
    'write(1, "0x7f0000000000", 14) = 14',
    "rseq(0xADDR, 0x20, 0, 0x53053053) = 0",
    "mmap(0xADDR, 1400832, PROT_READ|PROT_EXEC, MAP_PRIVATE|MAP_FIXED|MAP_DENYWRITE, 3, 0x126000) = 0xADDR",
    "read(3, NULL, 1) = -1 EFAULT (Bad address)",
    "arch_prctl(0x3001 /* ARCH_??? */, 0xADDR) = -1 EINVAL (Invalid argument)",
    "fcntl(3, F_GETFL) = 0x8000 (flags O_RDONLY|O_LARGEFILE)",
    "--- SIGSEGV {si_signo=SIGSEGV, si_code=SEGV_MAPERR, si_addr=NULL} ---",
    "exit_group(0) = ?",
    "+++ exited with 0 +++",
]


@pytest.mark.parametrize("line", KEPT)
def test_rest_is_kept(line: str) -> None:
    """Flags, counts, strings, NULL and a file offset of any size are compared as they are."""
    assert scrub_trace(line + "\n", "any", cwd="/nowhere") == line + "\n"


SCRUBBED = {
    "brk(NULL)                               = 0x2e9c3000": "brk(NULL) = 0xADDR",
    "set_tid_address(0x2e9c3650)             = 11510": "set_tid_address(0xADDR) = PID",
    "getpid()                                = 11510": "getpid() = PID",
    'getrandom("\\xda\\x13\\x01\\x1f", 4, GRND_NONBLOCK) = 4': "getrandom(RANDOM, 4, GRND_NONBLOCK) = 4",
    'readlink("/proc/self/exe", "/tmp/build/x", 4096) = 12': 'readlink("/proc/self/exe", EXE, 4096) = N',
    "mmap(NULL, 8192, PROT_NONE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7fc944c46000": (
        "mmap(NULL, 8192, PROT_NONE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0xADDR"
    ),
    "kill(1234, SIGTERM)                     = 0": "kill(PID, SIGTERM) = 0",
    'getcwd("/home/me/x", 4096)             = 11': 'getcwd("$CWD/x", 4096) = 11',
    "sysinfo({uptime=1605, loads=[1, 2, 3], mem_unit=1}) = 0": "sysinfo({...}) = 0",
}


@pytest.mark.parametrize("line", SCRUBBED)
def test_run_dependent_parts_are_scrubbed(line: str) -> None:
    """Addresses, ids, random bytes and the build directory's name are put in words."""
    assert scrub_trace(line + "\n", "any", cwd="/home/me") == SCRUBBED[line] + "\n"


def test_size_of_linker_cache_is_scrubbed() -> None:
    """The size of this machine's /etc/ld.so.cache is taken out in all three places, equal numbers elsewhere are not."""
    trace = (
        'openat(AT_FDCWD, "/etc/ld.so.cache", O_RDONLY|O_CLOEXEC) = 3\n'
        'newfstatat(3, "", {st_mode=S_IFREG|0644, st_size=34719, ...}, AT_EMPTY_PATH) = 0\n'
        "mmap(NULL, 34719, PROT_READ, MAP_PRIVATE, 3, 0) = 0xADDR\n"
        "munmap(0x7fc944c3d000, 34719)           = 0\n"
        'read(0, "", 34719)                       = 0\n'
    )
    scrubbed = scrub_trace(trace, "any", cwd="/nowhere")
    assert scrubbed.count("LDCACHE") == 3
    assert 'read(0, "", 34719) = 0' in scrubbed


def test_alignment_is_checked() -> None:
    """`=` stands at column 40 when there is room, else after one space, as strace -a 40 puts it."""
    good = "brk(NULL)                               = 0x1000\nset_robust_list(0x7f8c6b5eda20, 24123456)  = 0\n"
    assert misaligned_lines(good.replace("  = 0\n", " = 0\n")) == []
    assert len(misaligned_lines("brk(NULL) = 0x1000\n")) == 1


def test_differences_give_reasons() -> None:
    """Each known difference says why it is one and where it was seen, and its patterns compile."""
    for difference in HOST_DIFFERENCES:
        assert len(difference.reason) > 20
        assert difference.kernels
        re.compile(difference.subject)
        if isinstance(difference, TextDifference):
            re.compile(difference.pattern)


def test_difference_applies_to_its_subject_only() -> None:
    """uname's line is hidden for uname, and compared for every other program."""
    line = b"Linux vm 6.18.44 #1 SMP Mon x86_64 GNU/Linux\n"
    assert scrub_output(line, "programs/uname", cwd="/nowhere") == "Linux NODE RELEASE VERSION x86_64 GNU/Linux\n"
    assert scrub_output(line, "programs/cat", cwd="/nowhere") == line.decode()
