"""Files that are about nobody in particular."""

from __future__ import annotations

from pyuk.abi.errno import EACCES, EIO, SyscallError
from pyuk.abi.unistd import W_OK
from pyuk.fs.pseudo.files import BlobFile, NumberFile, PseudoFile, SeqFile
from pyuk.fs.pseudo.node import File

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pyuk.fs.permission import Who
    from pyuk.fs.pseudo.system import PseudoFs


class PlainText(File):
    """One text, or records, made when it is read."""

    __slots__ = ("_show", "_write")
    write_errno = EIO
    map_errno = EIO
    can_poll = True

    def __init__(
        self, ino: int, show: Callable[[], bytes | Iterable[bytes]], mode: int = 0o444,
        write: Callable[[bytes], None] | None = None,
    ) -> None:  # fmt: skip
        super().__init__(ino, mode)
        self._show = show
        self._write = write

    def open(self, fs: PseudoFs, path: bytes, flags: int) -> PseudoFile:
        """See File."""
        return SeqFile(fs, self, path, flags, self._records)

    def _records(self) -> Iterable[bytes]:
        made = self._show()
        return (made,) if isinstance(made, bytes) else made

    def write(self, data: bytes, offset: int) -> int:
        """See File."""
        if self._write is None:
            return super().write(data, offset)
        self._write(data)
        return len(data)


class PlainBlob(PlainText):
    """The same where each read sees what is there now, from any place on: strings in sysfs and /proc/sys."""

    __slots__ = ()

    def open(self, fs: PseudoFs, path: bytes, flags: int) -> PseudoFile:
        """See File."""
        return BlobFile(fs, self, path, flags, self._text)

    def _text(self) -> bytes:
        return b"".join(self._records())


class Sysctl(PlainBlob):
    """A setting below /proc/sys. Only root's own id counts, and no capability (fs/proc/proc_sysctl.c, sysctl_perm)."""

    __slots__ = ("_is_number",)

    def __init__(
        self, ino: int, show: Callable[[], bytes], mode: int = 0o644, write: Callable[[bytes], None] | None = None,
        *, is_number: bool = True,
    ) -> None:  # fmt: skip
        """write: None, although the mode has it, is what nobody may set here: EACCES. is_number: see NumberFile."""
        super().__init__(ino, show, mode, write)
        self._is_number = is_number

    def allows(self, who: Who, wanted: int) -> bool:
        """See Node."""
        if wanted & W_OK and self._write is None:
            return False
        bits = self.st_mode
        if getattr(who, "euid", who.fsuid) == 0:
            bits >>= 6
        elif getattr(who, "egid", who.fsgid) == 0 or 0 in who.groups:
            bits >>= 3
        return not wanted & ~bits & 7

    def open(self, fs: PseudoFs, path: bytes, flags: int) -> PseudoFile:
        """See File."""
        if flags & 3 and self._write is None:
            raise SyscallError(EACCES)
        return (NumberFile if self._is_number else BlobFile)(fs, self, path, flags, self._text)
