"""The plugin as its users meet it: fixtures, expectations, options, *.S tests."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

pytest_plugins = ["pytester"]

ADD = """
    mov $40, %ebx
    add $2, %ebx
    mov $1, %eax
    mov $1, %edi
    lea text(%rip), %rsi
    mov $3, %edx
    syscall
    mov $60, %eax
    mov %ebx, %edi
    syscall
    .data
text: .ascii "hi\\n"
    .globl counter
counter: .quad 5
"""


@pytest.fixture
def suite(pytester: pytest.Pytester) -> pytest.Pytester:
    """A directory for a test-suite of a user's."""
    pytester.makeini("[pytest]\naddopts = -p no:cacheprovider -p no:xdist")
    return pytester


def test_expectations_that_hold(suite: pytest.Pytester) -> None:
    """All kinds at once."""
    suite.makepyfile(f"""
        def test_add(guest):
            run = guest.asm({ADD!r}).run()
            run.expect(stdout="hi\\n", stderr=b"", exit=42, registers={{"rbx": 42}},
                       memory={{"counter": 5, "text": b"hi"}}, syscalls=["execve", "write(1, ...) = 3", "exit"])
        def test_shellcode(guest):
            guest.shellcode(bytes.fromhex("b83c000000bf070000000f05")).run().expect(exit=7)
        def test_program(guest):
            guest.program("/bin/cat").run(input=b"x").expect(stdout=b"x", exit=0)
        def test_system(system):
            assert system.spawn("/bin/true").wait() == 0
    """)
    suite.runpytest_subprocess().assert_outcomes(passed=4)


def test_differences_are_told(suite: pytest.Pytester) -> None:
    """All of them, and of the calls the first."""
    suite.makepyfile(f"""
        def test_add(guest):
            guest.asm({ADD!r}).run().expect(
                stdout="ho\\n", exit=3, registers={{"rbx": -1, "ebx": 1}},
                memory={{"counter": 6, "nowhere": 1, 16: b"x"}},
                syscalls=["execve", "write(2, ...) = 3", "exit"])
        def test_crash(guest):
            guest.asm("mov 0, %rax").run().expect(exit=0)
        def test_missing_call(guest):
            guest.asm({ADD!r}).run().expect(syscalls=["execve", "write"])
    """)
    result = suite.runpytest_subprocess()
    result.assert_outcomes(failed=3)
    result.stdout.fnmatch_lines([
        "*exit: expected 3, exited with 42", "*-ho", "*+hi",
        "*syscalls: call 2 differs", "*expected write(2, ...) = 3", '*got*write(1, "hi?n", 3)*= 3', "*after:*",
        "*registers: rbx is 0x2a (42), expected -0x1", "*there is no ebx*",
        "*memory: counter+0: expected 06*got 05*", "*no symbol nowhere*", "*0x10: only 0 bytes are mapped",
        "*exit: expected 0, killed by SIGSEGV: *SEGV_MAPERR*",
        "*syscalls: call 3 was not expected: exit(42)*",
    ])  # fmt: skip


def test_golden_traces(suite: pytest.Pytester) -> None:
    """Missing, written, equal, different."""
    test = "def test_add(guest, golden):\n    guest.asm({!r}).run().expect(strace=golden('add'))\n"
    suite.makepyfile(test.format(ADD))
    result = suite.runpytest_subprocess()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*--pyuk-update-golden writes it*"])
    suite.runpytest_subprocess("--pyuk-update-golden").assert_outcomes(passed=1)
    assert 'write(1, "hi\\n", 3)' in (suite.path / "golden" / "add.strace").read_text()
    suite.runpytest_subprocess().assert_outcomes(passed=1)
    suite.makepyfile(test.format(ADD.replace("$3", "$2")))
    result = suite.runpytest_subprocess()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(['*-write(1, "hi?n", 3)*', '*+write(1, "hi", 2)*'])


def test_mistakes_in_the_source_are_shown_with_the_tests_own_lines(suite: pytest.Pytester) -> None:
    """The assembler's and the compiler's messages."""
    suite.makepyfile(
        test_mistakes='''
        def test_asm(guest):
            guest.asm("""
                .globl _start
            _start:
                mov $1, %eax
                mow $1, %eax
            """)
        def test_short_asm(guest):
            guest.asm("""
                nop
                mow $1, %eax
            """)
        def test_c(guest):
            guest.c("""
                int main(void) {
                    return x;
                }
            """)
    '''
    )
    result = suite.runpytest_subprocess()
    result.assert_outcomes(failed=3)
    result.stdout.fnmatch_lines(["*test_mistakes.py:6: Error: no such instruction: `mow *"])
    result.stdout.fnmatch_lines(["*test_mistakes.py:11: Error: no such instruction: `mow *"])
    result.stdout.fnmatch_lines(["*test_mistakes.py:16:*error: 'x' undeclared*"])


@pytest.mark.skipif(not shutil.which("musl-gcc"), reason="musl-gcc is not installed")
def test_c_guests(suite: pytest.Pytester) -> None:
    """Static and dynamic, glibc and musl."""
    suite.makepyfile('''
        import pytest
        @pytest.mark.parametrize("libc", ["glibc", "musl"])
        @pytest.mark.parametrize("static", [True, False])
        def test_c(guest, libc, static):
            program = guest.c("""
                #include <stdio.h>
                int answer = 42;
                int main(int argc, char **argv) { return printf("%s\\\\n", argv[1]); }
            """, static=static, libc=libc)
            program.run("hello").expect(stdout="hello\\n", exit=6, memory={"answer": (42).to_bytes(4, "little")})
    ''')
    suite.runpytest_subprocess().assert_outcomes(passed=4)


def test_natively_as_well(suite: pytest.Pytester) -> None:
    """What only pyuk does is a failure with --pyuk-native."""
    suite.makepyfile(f"""
        def test_alike(guest):
            guest.asm({ADD!r}).run().expect(exit=42)
        def test_not_alike(guest):
            guest.program("/bin/sh").run("-c", "echo $$").expect(exit=0)
    """)
    suite.runpytest_subprocess().assert_outcomes(passed=2)
    result = suite.runpytest_subprocess("--pyuk-native")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*not as on the host's kernel: stdout:*"])


def test_traces_and_seeds(suite: pytest.Pytester) -> None:
    """--pyuk-trace attaches the log, --pyuk-seeds repeats."""
    suite.makepyfile("""
        def test_echo(guest):
            guest.program("/bin/echo").run("x").expect(exit=1)
        def test_seed(guest, pyuk_seed):
            assert pyuk_seed < 3
        def test_nothing():
            pass
    """)
    result = suite.runpytest_subprocess("--pyuk-trace", "--pyuk-seeds=3")
    result.assert_outcomes(passed=4, failed=3)
    result.stdout.fnmatch_lines(["*system calls of echo x*", 'execve("/bin/echo", *'])


def test_assembly_files_are_tests(suite: pytest.Pytester) -> None:
    """With a header; others are left alone."""
    header = '# pyuk: exit = {}\n# pyuk: registers.rbx = 0x2a\n// pyuk: stdout = "hi\\n"\n# pyuk: memory.counter = 5\n'
    program = f"    .globl _start\n_start:\n{ADD}"
    (suite.path / "test_good.S").write_text(header.format(42) + program)
    (suite.path / "bad.S").write_text(header.format(41) + program)
    (suite.path / "none.S").write_text(program)
    (suite.path / "wrong.S").write_text("# pyuk: exit = \n" + program)
    (suite.path / "unknown.S").write_text("# pyuk: exits = 1\n" + program)
    result = suite.runpytest_subprocess()
    result.assert_outcomes(passed=1, failed=3)
    result.stdout.fnmatch_lines(["exit: expected 41, exited with 42"])
    result.stdout.fnmatch_lines(["pyuk: header: *line 1*"])
    result.stdout.fnmatch_lines(["pyuk: header: nobody knows 'exits'*"])


def test_the_plugin_costs_nothing_before_it_is_used() -> None:
    """Everybody who has pyuk installed loads it."""
    code = (
        "import sys, pyuk.pytest_plugin; print([m for m in sys.modules if m.startswith('pyuk.') and 'plugin' not in m])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
