"""The lines around the calls: their order, their columns, signals and ends."""

from __future__ import annotations

from pyuk.abi.declare import Annotated, CStringArg, FdArg, FdResult, IntArg, PathArg, SizeArg
from pyuk.abi.kinds import IN, INOUT, OUT, Buffer, StructAt
from pyuk.abi.structs import INT64, SIGINFO_CHILD, SIGINFO_FAULT, SIGINFO_QUEUE
from pyuk.abi.syscall import Declaration
from pyuk.abi.types import UserAddr
from pyuk.trace.filter import parse_filter
from pyuk.trace.strace import Tracer
from tests.trace.fakes import FakeTask, ListSink, declared, line


def _read(_task: object, _fd: FdArg, _buf: Annotated[UserAddr, Buffer(OUT, "return")], _count: SizeArg) -> int:
    return 0


def _write(_task: object, _fd: FdArg, _buf: Annotated[UserAddr, Buffer(IN, "_count")], _count: SizeArg) -> int:
    return 0


def _open(_task: object, _filename: PathArg, _flags: IntArg) -> FdResult:
    return 0


def _exit(_task: object, _status: IntArg) -> int:
    return 0


def _sendfile(_task: object, _fd: FdArg, _offset: Annotated[UserAddr, StructAt(INOUT, INT64)], _n: SizeArg) -> int:
    return 0


def _sethostname(_task: object, _name: CStringArg, _length: IntArg) -> int:
    return 0


READ, WRITE, OPEN = declared("read", _read), declared("write", _write), declared("open", _open)
EXIT, SENDFILE = declared("exit_group", _exit), declared("sendfile", _sendfile)
SETHOSTNAME = declared("sethostname", _sethostname)


class _Info:
    def __init__(self, data: bytes) -> None:
        self.signo = data[0]
        self.data = data

    def pack(self) -> bytes:
        return self.data


def _enter(tracer: Tracer, task: FakeTask, declaration: Declaration, *args: int) -> None:
    tracer.enter(task, declaration, declaration.number, (*args, *(0,) * (6 - len(args))))


def _leave(tracer: Tracer, task: FakeTask, declaration: Declaration, result: int, *args: int) -> None:
    tracer.leave(task, declaration, declaration.number, (*args, *(0,) * (6 - len(args))), result)


def test_result_stands_in_column_40() -> None:
    """And one blank behind a longer call."""
    memory = {0x1000: b"/a\0", 0x2000: b"/" + b"a" * 40 + b"\0"}
    assert line(OPEN, (0x1000, 0), 3, memory) == 'open("/a", 0)'.ljust(40) + "= 3\n"
    assert line(OPEN, (0x2000, 0), -2, memory) == (f'open("/{"a" * 40}", 0) = -1 ENOENT (No such file or directory)\n')


def test_what_the_kernel_fills_is_shown_when_it_has() -> None:
    """On a terminal the beginning of a call stands there while it lasts."""
    sink = ListSink(buffered=False)
    tracer, task = Tracer(sink), FakeTask({0x1000: b"hello"})
    _enter(tracer, task, READ, 0, 0x1000, 5)
    assert sink.pieces == ["read(0, "]
    _leave(tracer, task, READ, 5)
    assert sink.text == 'read(0, "hello", 5)                     = 5\n'


def test_a_file_gets_whole_lines() -> None:
    """Nobody watches it grow."""
    sink = ListSink()
    tracer, task = Tracer(sink), FakeTask({0x1000: b"hello"})
    _enter(tracer, task, WRITE, 1, 0x1000, 5)
    assert sink.pieces == []
    _leave(tracer, task, WRITE, -9)
    assert sink.pieces == ['write(1, "hello", 5)                    = -1 EBADF (Bad file descriptor)\n']


def test_a_call_that_fails_fills_nothing() -> None:
    """Its pointers are shown as they are."""
    assert line(READ, (0, 0x1000, 5), -14, {0x1000: b"hello"}).startswith("read(0, 0x1000, 5) ")


def test_an_argument_that_goes_both_ways() -> None:
    """Is shown before and after."""
    memory = {0x1000: b"\5" + bytes(7)}
    assert line(SENDFILE, (1, 0x1000, 9), 4, memory).startswith("sendfile(1, [5] => [5], 9) ")
    assert line(SENDFILE, (1, 0x1000, 9), -9, memory).startswith("sendfile(1, [5], 9) ")
    assert line(SENDFILE, (1, 0, 9), 4, memory).startswith("sendfile(1, NULL, 9) ")


def test_strings_are_cut_and_paths_are_not() -> None:
    """A string without an end in reach is an address."""
    memory = {0x1000: b"a" * 33 + b"\0", 0x3000: b"a" * 32 + b"\0", 0x2000: b"abc"}
    assert line(SETHOSTNAME, (0x1000, 1), 0, memory).startswith(f'sethostname("{"a" * 32}"..., 1) ')
    assert line(SETHOSTNAME, (0x3000, 1), 0, memory).startswith(f'sethostname("{"a" * 32}", 1) ')
    assert line(SETHOSTNAME, (0x2000, 1), 0, memory).startswith("sethostname(0x2000, 1) ")
    assert line(OPEN, (0x1000, 1), 0, memory).startswith(f'open("{"a" * 33}", 1) ')


def test_a_restarted_call_has_no_result_yet() -> None:
    """strace's question mark."""
    assert line(READ, (0, 0x1000, 5), -512, {}) == (
        "read(0, 0x1000, 5)                      = ? ERESTARTSYS (To be restarted if SA_RESTART is set)\n"
    )


def test_two_tasks_interrupt_each_other() -> None:
    """The line of a call during which another task speaks is left unfinished and resumed."""
    for buffered in (False, True):
        sink = ListSink(buffered=buffered)
        tracer, first, second = Tracer(sink), FakeTask({0x1000: b"hi"}, 1), FakeTask({0x1000: b"ho"}, 2)
        _enter(tracer, first, READ, 0, 0x1000, 2)
        _enter(tracer, second, WRITE, 1, 0x1000, 2)
        _leave(tracer, second, WRITE, 2)
        _leave(tracer, first, READ, 2)
        assert sink.text == (
            "read(0,  <unfinished ...>\n"
            'write(1, "ho", 2)                       = 2\n'
            '<... read resumed>"hi", 2)              = 2\n'
        )


def test_exit_has_no_result() -> None:
    """The call is closed when the process is gone."""
    sink = ListSink()
    tracer, task = Tracer(sink), FakeTask()
    _enter(tracer, task, EXIT, 261)
    tracer.ended(task, 5 << 8)
    assert sink.text == "exit_group(261)                         = ?\n+++ exited with 5 +++\n"


def test_death_within_a_call() -> None:
    """What the kernel did not come to fill is not shown."""
    sink = ListSink()
    tracer, task = Tracer(sink), FakeTask({0x1000: b"hi"})
    _enter(tracer, task, READ, 0, 0x1000, 5)
    tracer.ended(task, 9)
    _enter(tracer, task, WRITE, 0, 0x1000, 2)
    tracer.ended(task, 9)
    assert sink.text == (
        "read(0,  <unfinished ...>)              = ?\n"
        "+++ killed by SIGKILL +++\n"
        'write(0, "hi", 2)                       = ?\n'
        "+++ killed by SIGKILL +++\n"
    )


def test_death_by_signal() -> None:
    """The signal and the end, each a line."""
    sink = ListSink()
    tracer, task = Tracer(sink), FakeTask()
    tracer.signal(task, _Info(SIGINFO_FAULT.pack((11, 0, 1), 0)))
    tracer.ended(task, 11)
    tracer.ended(task, 6 | 0x80)
    assert sink.text == (
        "--- SIGSEGV {si_signo=SIGSEGV, si_code=SEGV_MAPERR, si_addr=NULL} ---\n"
        "+++ killed by SIGSEGV +++\n"
        "+++ killed by SIGABRT (core dumped) +++\n"
    )


def test_signals_have_the_members_of_their_code() -> None:
    """A sender, a child's end, a queued value."""
    sink = ListSink()
    tracer, task = Tracer(sink), FakeTask()
    tracer.signal(task, _Info(SIGINFO_QUEUE.pack((10, 0, 0), 7, 8, 0)))
    tracer.signal(task, _Info(SIGINFO_QUEUE.pack((10, 0, -1), 7, 8, 9)))
    tracer.signal(task, _Info(SIGINFO_CHILD.pack((17, 0, 1), 7, 8, 3, 1, 2)))
    tracer.signal(task, _Info(SIGINFO_CHILD.pack((17, 0, 2), 7, 8, 9, 0, 0)))
    tracer.signal(task, _Info(SIGINFO_QUEUE.pack((14, 0, 128), 0, 0, 0)))
    assert sink.text.splitlines() == [
        "--- SIGUSR1 {si_signo=SIGUSR1, si_code=SI_USER, si_pid=7, si_uid=8} ---",
        "--- SIGUSR1 {si_signo=SIGUSR1, si_code=SI_QUEUE, si_pid=7, si_uid=8, si_int=9, si_ptr=0x9} ---",
        (
            "--- SIGCHLD {si_signo=SIGCHLD, si_code=CLD_EXITED, si_pid=7, si_uid=8, "
            "si_status=3, si_utime=1, si_stime=2} ---"
        ),
        (
            "--- SIGCHLD {si_signo=SIGCHLD, si_code=CLD_KILLED, si_pid=7, si_uid=8, "
            "si_status=SIGKILL, si_utime=0, si_stime=0} ---"
        ),
        "--- SIGALRM {si_signo=SIGALRM, si_code=SI_KERNEL} ---",
    ]


def test_the_first_line_is_the_execve() -> None:
    """With the arguments cut as any strings, and the environment counted."""
    sink = ListSink()
    tracer, task = Tracer(sink), FakeTask()
    tracer.exec(task, b"/bin/ls", [b"ls", b"a" * 40], 0x7FFC0000, 23)
    tracer.exec(task, b"x", [], 0x10, 1)
    assert sink.text == (
        f'execve("/bin/ls", ["ls", "{"a" * 32}"...], 0x7ffc0000 /* 23 vars */) = 0\n'
        'execve("x", [], 0x10 /* 1 var */)       = 0\n'
    )


def test_numbers_that_linux_does_not_have() -> None:
    """In hex, with all six registers; the number is an int, and shown extended."""
    sink = ListSink()
    tracer, task = Tracer(sink), FakeTask()
    for number in (0x14F, 0xFFFFFFFF):
        tracer.enter(task, None, number, (1, 0, (1 << 64) - 1, 0, 0, 0))
        tracer.leave(task, None, number, (), -38)
    assert sink.text.splitlines() == [
        "syscall_0x14f(0x1, 0, 0xffffffffffffffff, 0, 0, 0) = -1 ENOSYS (Function not implemented)",
        "syscall_0xffffffffffffffff(0x1, 0, 0xffffffffffffffff, 0, 0, 0) = -1 ENOSYS (Function not implemented)",
    ]


def test_x32_numbers() -> None:
    """On a terminal strace says that the process changes its mode; in a file it does not."""
    for buffered in (False, True):
        sink = ListSink(buffered=buffered)
        tracer, task = Tracer(sink), FakeTask()
        for number in (0x40000000 + 39, 0x400003E8, 39):
            tracer.enter(task, None, number, (0,) * 6)
            tracer.leave(task, None, number, (), -38)
        lines = sink.text.splitlines()
        if not buffered:
            assert lines.pop(0) == "[ Process PID=1000 runs in x32 mode. ]"
            assert lines.pop(2) == "[ Process PID=1000 runs in 64 bit mode. ]"
        assert [text.split("(")[0] for text in lines] == ["getpid", "syscall_0x400003e8", "getpid"]


def test_a_filter_hides_calls_and_nothing_else() -> None:
    """Signals and the end are still told."""
    sink = ListSink()
    tracer, task = Tracer(sink, parse_filter("trace=write")), FakeTask({0x1000: b"hello"})
    tracer.exec(task, b"/bin/x", [b"x"], 0x10, 0)
    _enter(tracer, task, READ, 0, 0x1000, 5)
    _leave(tracer, task, READ, 5)
    _enter(tracer, task, WRITE, 1, 0x1000, 5)
    _leave(tracer, task, WRITE, 5)
    _enter(tracer, task, EXIT, 0)
    tracer.ended(task, 0 << 8)
    assert sink.text == 'write(1, "hello", 5)                    = 5\n+++ exited with 0 +++\n'


def test_a_tracer_that_is_closed_writes_what_it_has() -> None:
    """Whatever ended the run."""
    sink = ListSink()
    tracer, task = Tracer(sink), FakeTask()
    _enter(tracer, task, READ, 0, 0x1000, 5)
    tracer.close()
    assert sink.text == "read(0,  <unfinished ...>\n"
