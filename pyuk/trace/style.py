"""How values are written: the part of strace's options that is about the text of arguments.

There is one style at a time, `current`: the decoders, which are made once, ask it whenever they write.
"""

from __future__ import annotations

from pyuk.trace.filter import EVERYTHING, FilterError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.trace.filter import Filter

ABBREVIATED, RAW, VERBOSE = "abbrev", "raw", "verbose"
_DETAILS = ("dev", "path", "pidfd", "socket")


class Style:
    """The defaults are strace's."""

    def __init__(self) -> None:
        self.string_limit = 32
        """How many bytes of a string and elements of an array are shown (-s)."""
        self.hex_strings = 0
        """1: strings with bytes that are no text in hex (-x); 2: all (-xx); 3: hex for octal in escapes."""
        self.constants = ABBREVIATED
        """-X: names, numbers, or both."""
        self.abbreviated: Filter = EVERYTHING
        """Calls whose structs are cut (-e abbrev; -v: none)."""
        self.is_whole = False
        """Of the call that is being written: its structs are not cut."""
        self.verbose: Filter = EVERYTHING
        """Calls whose structs are shown and not their addresses (-e verbose)."""
        self.descriptors: frozenset[str] = frozenset()
        """What is shown of descriptors: the path (-y), and all that is known (-yy)."""

    def take_descriptors(self, value: str) -> None:
        """-e decode-fds=SET. Errors: FilterError."""
        chosen: set[str] = set()
        for word in value.split(","):
            if word == "all":
                chosen |= set(_DETAILS)
            elif word in _DETAILS:
                chosen.add(word)
            elif word != "none":
                raise FilterError(f"strace: invalid decode-fds '{word}'")
        self.descriptors = frozenset(chosen)


current = Style()


def use(style: Style) -> None:
    """From now on texts are written so."""
    global current  # noqa: PLW0603  # one log is written at a time
    current = style
