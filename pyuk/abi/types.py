"""The numbers that must not be mixed up, each with a type of its own.

At run time they are plain int: importing typing costs as much as starting half an interpreter,
and a NewType does nothing that a running program needs.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NewType

    Fd = NewType("Fd", int)
    """A file descriptor number, or AT_FDCWD where a dirfd is taken."""
    UserAddr = NewType("UserAddr", int)
    """A guest virtual address as the guest gave it: any 64-bit value, checked by nobody yet."""
    FrameNr = NewType("FrameNr", int)
    """A frame of guest-physical RAM: byte offset >> 12."""
    Tid = NewType("Tid", int)
    """A thread id; a process id (tgid) is the tid of its first thread."""
else:
    Fd = UserAddr = FrameNr = Tid = int
