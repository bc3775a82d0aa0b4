"""Names of signals and codes."""

from __future__ import annotations

from pyuk.abi.siginfo import code_name, signal_name


def test_signals_have_straces_names() -> None:
    """The standard ones, the real-time ones, and what is none."""
    names = [signal_name(signo) for signo in (1, 11, 29, 31, 32, 33, 34, 64, 65, 0)]
    assert names == ["SIGHUP", "SIGSEGV", "SIGIO", "SIGSYS", "SIGRTMIN", "SIGRT_1", "SIGRT_2", "SIGRT_32", "65", "0"]


def test_codes_are_named_by_signal() -> None:
    """The same number means other things to other signals; zero, negative ones and SI_KERNEL the same to all."""
    assert code_name(11, 1) == "SEGV_MAPERR"
    assert code_name(4, 1) == "ILL_ILLOPC"
    assert code_name(17, 1) == "CLD_EXITED"
    assert code_name(11, 128) == "SI_KERNEL"
    assert code_name(10, 0) == "SI_USER"
    assert code_name(10, -6) == "SI_TKILL"
    assert code_name(11, 99) == "0x63"
