"""Strings between quotes, as strace writes them."""

from __future__ import annotations

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyuk.trace.text import hexadecimal, octal, quote, quote_cut, quote_hex


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"plain", '"plain"'),
        (b"", '""'),
        (b"\t\n\v\f\r", r'"\t\n\v\f\r"'),
        (b'a"b\\c', r'"a\"b\\c"'),
        (b"\x01\x011\\\x7f\xff\x1bz", r'"\1\0011\\\177\377\33z"'),
        (b"nul\0in\x001the middle\0", r'"nul\0in\0001the middle\0"'),
        (b"high\x80\xff\xc3\xa9", r'"high\200\377\303\251"'),
        (b"\x008\x009", r'"\0008\0009"'),
    ],
)
def test_quote(data: bytes, text: str) -> None:
    """C's escapes, the shortest octal that the next byte allows."""
    assert quote(data) == text


@given(st.binary(max_size=80))
def test_quote_can_be_read_back(data: bytes) -> None:
    """A C compiler would read the same bytes."""
    text = quote(data)
    assert text.isprintable()
    assert codecs.escape_decode(text[1:-1].encode())[0] == data  # undocumented, exact


def test_cut_is_at_32_bytes() -> None:
    """Dots say that there is more."""
    assert quote_cut(b"0123456789abcdef" * 2, 32) == '"0123456789abcdef0123456789abcdef"'
    assert quote_cut(b"0123456789abcdef" * 2, 33) == '"0123456789abcdef0123456789abcdef"...'
    assert quote_hex(b"\x01\xff", 2) == r'"\x01\xff"'
    assert quote_hex(bytes(33), 33) == '"' + r"\x00" * 32 + '"...'


def test_zero_has_no_prefix() -> None:
    """%#x and %#03o."""
    assert [hexadecimal(value) for value in (0, 16)] == ["0", "0x10"]
    assert [octal(value) for value in (0, 7, 0o22, 0o755, 0o177777)] == ["000", "007", "022", "0755", "0177777"]
