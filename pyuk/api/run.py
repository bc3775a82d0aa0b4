"""One program from beginning to end, in the manner of subprocess.run."""

from __future__ import annotations

import subprocess

from pyuk.api.system import PIPE, System
from pyuk.system import DEFAULT_MEMORY_BYTES

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence
    from typing import IO

    from pyuk.api.completed import Completed


def run(
    program: str | os.PathLike[str], args: Sequence[str] = (), *, input: bytes | str | None = None,
    stdin: int | IO[bytes] | None = None, stdout: int | IO[bytes] | None = PIPE,
    stderr: int | IO[bytes] | None = PIPE, env: Mapping[str, str] | None = None,
    cwd: str | os.PathLike[str] | None = None, limits: Mapping[int, tuple[int, int]] | None = None,
    argv0: str | None = None, text: bool = False, check: bool = False, timeout: float | None = None,
    memory: int = DEFAULT_MEMORY_BYTES, seed: int = 0, time: float | None = None, trace: bool | str = True,
    mounts: Sequence[str] = (), tmpfs: Sequence[str] = (), root: str | os.PathLike[str] | None = None,
    overlay: bool | str | os.PathLike[str] = True, read_only: bool = False,
    deterministic: bool = True,
) -> Completed:  # fmt: skip
    """Run a program in a System of its own, and tell all about it.

    stdout, stderr: captured unless told otherwise. stdin: nothing is there unless `input` or a file is given.
    timeout: host seconds, after which the program is killed. The rest: see System and System.spawn.
    Errors: OSError it cannot be executed; subprocess.TimeoutExpired; subprocess.CalledProcessError with check=True.
    """
    if input is not None and stdin is not None:
        raise ValueError("input and stdin cannot both be given")
    with System(
        memory=memory, seed=seed, time=time, trace=trace, mounts=mounts, tmpfs=tmpfs, root=root, overlay=overlay,
        read_only=read_only, deterministic=deterministic,
    ) as system:  # fmt: skip
        process = system.spawn(
            program, args, stdin=PIPE if stdin is None else stdin, stdout=stdout, stderr=stderr, env=env, cwd=cwd,
            limits=limits, argv0=argv0, text=text,
        )  # fmt: skip
        try:
            completed = process.communicate(input, timeout)
        except subprocess.TimeoutExpired as expired:
            process.kill()
            process.wait()
            process.tell(expired)
            raise
    if check:
        completed.check_returncode()
    return completed
