"""Names of signals and of their codes, for whoever tells people about them.

Source: asm/signal.h, asm-generic/siginfo.h (Linux 6.1).
"""

from __future__ import annotations

from pyuk.abi.signal import SIGBUS, SIGCHLD, SIGFPE, SIGILL, SIGIO, SIGRTMAX, SIGRTMIN, SIGSEGV, SIGSYS, SIGTRAP
from pyuk.abi.tables import Table

SIGNALS = Table("signal", "SIG", without="SIG_* SIGEV_* SIGRTMIN SIGRTMAX")
_ANY_CODE = Table("signal", "SI_")
_CODES = {
    SIGILL: Table("signal", "ILL_"),
    SIGFPE: Table("signal", "FPE_"),
    SIGSEGV: Table("signal", "SEGV_"),
    SIGBUS: Table("signal", "BUS_"),
    SIGTRAP: Table("signal", "TRAP_"),
    SIGCHLD: Table("signal", "CLD_"),
    SIGIO: Table("signal", "POLL_"),
    SIGSYS: Table("signal", "SYS_"),
}
_NAMED_REALTIME = 32


def signal_name(signo: int) -> str:
    """As strace says it: "SIGSEGV", "SIGRTMIN", "SIGRT_2"; a number where there is no such signal."""
    name = SIGNALS.name(signo)
    if name is not None:
        return name
    if signo == SIGRTMIN:
        return "SIGRTMIN"
    return f"SIGRT_{signo - _NAMED_REALTIME}" if SIGRTMIN < signo <= SIGRTMAX else str(signo)


def code_name(signo: int, code: int) -> str:
    """The word, "SEGV_MAPERR", or the number."""
    name = _ANY_CODE.name(code)
    if name is None and code > 0 and signo in _CODES:
        name = _CODES[signo].name(code)
    return name or f"{code:#x}"
