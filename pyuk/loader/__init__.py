"""What execve(2) does with a file: `#!` lines, ELF headers, mappings, the initial stack. And how it refuses one."""

from __future__ import annotations

from pyuk.abi.errno import SyscallError


class LoadError(SyscallError):
    """A refusal to run a program; `reason` says what is wrong and where, for a person.

    `fatal` is Linux's point of no return (begin_new_exec in fs/exec.c): the old program is gone, so execve(2)
    cannot return the errno and the process is killed by SIGSEGV instead.
    """

    fatal = False


class LateLoadError(LoadError):
    """A refusal after the point of no return: SIGSEGV for the process, the errno only for a person."""

    fatal = True
