"""Command-line options in the manner of env(1) and strace(1): they end where the program's name begins.

argparse would do, for 6 ms of every start: as much as all of pyuk's own modules take.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


class UsageError(Exception):
    """The command line cannot be understood; the text is one line for the user."""


class Option:
    """`names` as typed ("-o", "--output"); `value` is the placeholder of its argument, "" for a switch.

    is_optional: the argument is given with "=" or not at all.
    """

    __slots__ = ("help", "is_optional", "key", "many", "names", "value")

    def __init__(
        self, names: str, key: str, help_text: str, *, value: str = "", many: bool = False, is_optional: bool = False
    ) -> None:  # fmt: skip
        self.names = names.split()
        self.key = key
        self.value = value
        self.help = help_text
        self.many = many
        self.is_optional = is_optional

    def title(self) -> str:
        """The left column of --help."""
        value = f"[={self.value}]" if self.is_optional else f" {self.value}" if self.value else ""
        return ", ".join(self.names) + value


class Parsed:
    """What was given: `get` for one value, `all` for options that may come again, `rest` from the first operand on."""

    __slots__ = ("rest", "values")

    def __init__(self) -> None:
        self.values: dict[str, list[str]] = {}
        self.rest: list[str] = []

    def get(self, key: str, default: str = "") -> str:
        """The last value given for key."""
        return self.values.get(key, [default])[-1]

    def all(self, key: str) -> list[str]:
        """All values given for key, in order."""
        return self.values.get(key, [])

    def has(self, key: str) -> bool:
        """Whether the option was given."""
        return key in self.values


def parse(arguments: Sequence[str], options: Sequence[Option]) -> Parsed:
    """Take options up to the first operand or "--". Raises UsageError."""
    by_name = {name: option for option in options for name in option.names}
    parsed = Parsed()
    position = 0
    letters = ""  # further switches of one word: -fq
    while letters or position < len(arguments):
        if letters:
            word, letters = "-" + letters, ""
        else:
            word = arguments[position]
            position += 1
        if word == "--":
            break
        if not word.startswith("-") or word == "-":
            position -= 1
            break
        name, given, joined = _split(word, by_name)
        option = by_name.get(name)
        if option is None:
            raise UsageError(f"unknown option {name}")
        if option.value and not joined and not option.is_optional:
            if position == len(arguments):
                raise UsageError(f"option {name} needs {option.value}")
            given = arguments[position]
            position += 1
        elif joined and not option.value:
            if name.startswith("--"):
                raise UsageError(f"option {name} takes no value")
            letters, given = given, ""
        parsed.values.setdefault(option.key, []).append(given)
    parsed.rest = list(arguments[position:])
    return parsed


def _split(word: str, by_name: dict[str, Option]) -> tuple[str, str, bool]:
    """Option name, joined value, and whether there was one: `--name=value` or `-ovalue`."""
    if word.startswith("--"):
        name, equals, given = word.partition("=")
        return name, given, bool(equals)
    if word in by_name:
        return word, "", False
    return word[:2], word[2:], True


def help_text(usage: str, summary: str, options: Sequence[Option], examples: Sequence[str]) -> str:
    """The whole of --help."""
    lines = [f"Usage: {usage}", "", summary, "", "Options:"]
    width = max(len(option.title()) for option in options) + 2
    lines += [f"  {option.title():{width}}{option.help}" for option in options]
    lines += ["", "Examples:", *(f"  {example}" for example in examples)]
    return "\n".join(lines)
