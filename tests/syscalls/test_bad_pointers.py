"""Every pointer argument of every declared system call, with every kind of bad pointer, natively and under pyuk.

The guest is generated from the declarations: one program that makes all the calls and prints what each gave. The
host's kernel is the oracle; where it differs from Linux 6.1, or may, the call is in `DIFFERENCES` with the reason.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from pyuk.abi.kinds import Address, Buffer, ByCommand, CString, FdNumber, Kind, Pointer, StructAt, When
from pyuk.abi.syscall import SYSCALLS, Declaration
from pyuk.syscalls import load_all
from tests.native import run_native, run_pyuk

load_all()

BAD = {
    "null": "0",
    "unmapped": "0x10000000",
    "crossing": "crossing",  # the last byte of a page, and the next is not mapped
    "read_only": "read_only",
    "kernel_half": "0xffff800000000000",
    "user_end": "0x7ffffffff000",  # the first address that is not a user's
    "non_canonical": "0x8000000000000000",
    "all_ones": "-1",
}

NOT_MADE = {
    "exit": "ends the program",
    "exit_group": "ends the program",
    "rt_sigreturn": "takes its arguments from the stack",
    "close": "has no pointer",
    **dict.fromkeys(
        (
            "acct",
            "adjtimex",
            "clock_adjtime",
            "clock_settime",
            "delete_module",
            "finit_module",
            "init_module",
            "kexec_load",
            "mount",
            "pivot_root",
            "quotactl",
            "quotactl_fd",
            "fsopen",
            "fspick",
            "fsconfig",
            "move_mount",
            "open_tree",
            "mount_setattr",
            "fanotify_init",
            "fanotify_mark",
            "reboot",
            "setdomainname",
            "sethostname",
            "settimeofday",
            "swapoff",
            "swapon",
            "syslog",
            "umount2",
        ),
        "the host would do it for root",
    ),
    **dict.fromkeys(
        ("io_uring_setup", "io_uring_enter", "landlock_create_ruleset", "landlock_add_rule"),
        "pyuk is a kernel without it; the host's has it",
    ),
}

GOOD_ARGUMENTS = {
    # What the argument must be for the call to come as far as its pointers.
    "futex": {"uaddr": "good", "op": "1"},  # FUTEX_WAKE: waiting would wait
    "fcntl": {"cmd": "5"},  # F_GETLK
    "ioctl": {"request": "0x541b"},  # FIONREAD
    "prctl": {"option": "16"},  # PR_GET_NAME
    "arch_prctl": {"option": "0x1003"},  # ARCH_GET_FS
    "rt_sigaction": {"sig": "10", "sigsetsize": "8"},
    "rt_sigprocmask": {"sigsetsize": "8"},
    "rt_sigpending": {"sigsetsize": "8"},
    "prlimit64": {"resource": "15"},  # RLIMIT_RTTIME: nobody minds its being 0
    "setrlimit": {"resource": "15"},
    "getrlimit": {"resource": "15"},
    "sched_getaffinity": {"length": "128"},
    "connect": {"fd": "stranger", "addrlen": "16"},
    "bind": {"fd": "stranger", "addrlen": "16"},
    **{call: {"fd": "listener", "upeer_addrlen": "room()"} for call in ("accept", "accept4")},
    **{call: {"fd": "pair[0]", "usockaddr_len": "room()"} for call in ("getsockname", "getpeername")},
    "getsockopt": {"fd": "pair[0]", "level": "1", "optname": "3", "optlen": "room()"},
    "setsockopt": {"fd": "pair[0]", "level": "1", "optname": "2", "optlen": "4"},
    "sendto": {"fd": "messages[0]", "addr_len": "16"},
    "recvfrom": {"fd": "messages[0]", "flags": "0x40", "addr_len": "room()"},  # MSG_DONTWAIT
    **{call: {"fd": "pair[0]", "flags": "0x40"} for call in ("sendmsg", "recvmsg", "sendmmsg")},
    "recvmmsg": {"fd": "messages[0]", "flags": "0x40"},
    "getrusage": {"who": "0"},
    "kill": {"sig": "0"},
    "rseq": {"rseq_len": "32"},
    "poll": {"nfds": "1"},
    "ppoll": {"nfds": "1", "sigsetsize": "8"},
    "select": {"n": "1"},
    "pselect6": {"n": "1"},
    "signalfd": {"ufd": "-1", "sizemask": "8"},
    "signalfd4": {"ufd": "-1", "sizemask": "8"},
}

WOULD_WAIT = [("select.tvp", "null"), ("pselect6.tsp", "null"), ("ppoll.tsp", "null")]

DIFFERENCES = {
    **{
        (f"{call}.{name}", ""): "Linux 6.1 walks the path before it reads the attribute, 6.13 and later after"
        for prefix in ("", "l")
        for call, name in (
            (f"{prefix}getxattr", "name"),
            (f"{prefix}setxattr", "name"),
            (f"{prefix}setxattr", "value"),
            (f"{prefix}removexattr", "name"),
        )
    },
    ("sched_getaffinity", "good"): "the host has as many CPUs as it has; pyuk has one",
    ("sched_getaffinity", "crossing"): "the mask's size follows the number of CPUs",
    **{
        (f"{call}.{vector}", ""): "Linux 6.1 reads the vectors before it opens the file, 6.9 and later after"
        for call in ("execve", "execveat")
        for vector in ("argv", "envp")
    },
}


def _takes_pointer(kind: Kind) -> bool:
    if isinstance(kind, When):
        kind = kind.kind
    return (isinstance(kind, Pointer) and not isinstance(kind, Address)) or isinstance(kind, ByCommand)


def _good(declaration: Declaration, name: str, kind: Kind) -> str:
    given = GOOD_ARGUMENTS.get(declaration.name, {}).get(name)
    if given is not None:
        return given
    if isinstance(kind, FdNumber):
        return "directory" if kind.dirfd else "file"
    if isinstance(kind, CString):
        return 'name("absent")' if kind.path else 'name("user.none")'
    if isinstance(kind, (Buffer, StructAt)) or _takes_pointer(kind):
        return "good"
    if name in ("count", "length", "len", "size", "vlen", "bufsiz", "siz", "bufsize"):
        return "8" if name != "vlen" else "1"
    return "0"


def _calls() -> list[tuple[str, Declaration, list[str]]]:
    """(label, declaration, C expressions of the arguments) of every call to be made."""
    calls = []
    for _number, declaration in sorted(SYSCALLS.items()):
        if declaration.name in NOT_MADE:
            continue
        pointers = [name for name, kind in declaration.params if _takes_pointer(kind)]
        for bad_name in pointers:
            for bad, value in BAD.items():
                arguments = [
                    value if name == bad_name else _good(declaration, name, kind) for name, kind in declaration.params
                ]
                if (f"{declaration.name}.{bad_name}", bad) not in WOULD_WAIT:
                    calls.append((f"{declaration.name}.{bad_name} {bad}", declaration, arguments))
        if pointers:
            good = [_good(declaration, name, kind) for name, kind in declaration.params]
            calls.append((f"{declaration.name} good", declaration, good))
    return calls


def _source() -> str:
    lines = []
    for label, declaration, arguments in _calls():
        values = ", ".join(f"(long)({argument})" for argument in arguments)
        lines.append(f'    call("{label}", {declaration.number}{", " + values if values else ""});')
    body = "\n".join(lines)
    return f"""
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

static char *crossing, *read_only, *good;
static int file, directory, listener, stranger, pair[2], messages[2], length;

static long name(const char *text) {{ return (long)text; }}

/* The address of a length */
static int *room(void)
{{
    length = 64;
    return &length;
}}

/* Each call begins in the same world, whatever the last one did. */
static void fresh(void)
{{
    for (int fd = 3; fd < 16; fd++)
        close(fd);
    unlink("absent");
    rmdir("absent");
    directory = open(".", O_RDONLY | O_DIRECTORY);
    file = open("file", O_RDWR | O_CREAT | O_TRUNC, 0600);
    if (write(file, "0123456789", 10) != 10 || lseek(file, 0, SEEK_SET))
        _exit(2);
    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair);
    socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, messages);
    stranger = socket(AF_UNIX, SOCK_STREAM, 0);
    listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    struct sockaddr_un name = {{AF_UNIX}};
    socklen_t length = sizeof name;
    bind(listener, (void *)&name, 2);
    listen(listener, 1);
    getsockname(listener, (void *)&name, &length);
    connect(socket(AF_UNIX, SOCK_STREAM, 0), (void *)&name, length);
    if (write(pair[1], "data", 4) != 4 || write(messages[1], "data", 4) != 4)
        _exit(2);
    memset(good, 0, 4096);
    memset(crossing - 4095, 0, 4096);
}}

#define call(label, ...) \\
    do {{ \\
        fresh(); \\
        errno = 0; \\
        long result = syscall(__VA_ARGS__); \\
        int error = errno; \\
        if (result == -1) \\
            printf("%s: %s\\n", label, strerrorname_np(error)); \\
        else \\
            printf("%s: %s\\n", label, result == 0 ? "0" : "ok"); \\
        fflush(stdout); \\
    }} while (0)

int main(void)
{{
    static char text[1 << 16];
    setvbuf(stdout, text, _IOFBF, sizeof text);
    char *pages = mmap(0, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(pages + 4096, 4096);
    crossing = pages + 4095;
    good = mmap(0, 1 << 17, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    read_only = mmap(0, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
{body}
    return 0;
}}
"""


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The generated program."""
    directory = tmp_path_factory.mktemp("sweep")
    source = directory / "sweep.c"
    source.write_text(_source(), encoding="utf-8")
    program = directory / "sweep"
    done = subprocess.run(
        ["gcc", "-O0", "-static", "-w", "-o", str(program), str(source)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return program


def _answers(text: bytes) -> dict[str, str]:
    return dict(line.split(": ") for line in text.decode().splitlines())


def test_every_bad_pointer_gets_linux_s_answer(sweep: Path, tmp_path: Path) -> None:
    """A bad pointer in any argument of any declared call gives the errno that the host's kernel gives."""
    places = []
    for who in ("native", "pyuk"):
        place = tmp_path / who
        place.mkdir()
        places.append(place)
    native, pyuk = run_native(sweep, cwd=places[0]), run_pyuk(sweep, cwd=places[1])
    assert (native.status, pyuk.status) == (0, 0), f"{native}\n{pyuk}"
    expected, found = _answers(native.stdout), _answers(pyuk.stdout)
    listed = {
        label for label in expected for call, bad in DIFFERENCES if label.startswith(call) and label.endswith(bad)
    }
    wrong = [
        f"{label}: native {answer}, pyuk {found.get(label)}"
        for label, answer in expected.items()
        if found.get(label) != answer and label not in listed
    ]
    assert not wrong, "\n".join(wrong)


def test_the_sweep_reaches_every_call_with_a_pointer() -> None:
    """No declared call that takes a pointer is missing from the sweep without a reason."""
    swept = {declaration.name for _label, declaration, _arguments in _calls()}
    for declaration in SYSCALLS.values():
        if any(_takes_pointer(kind) for _name, kind in declaration.params):
            assert declaration.name in swept or declaration.name in NOT_MADE
