"""C's types, functions and callbacks: what the machine uses of ctypes, straight from its C half.

The package around `_ctypes` makes forty classes that nobody here wants and imports two modules: 0.8 ms of every start.
The names are ctypes' own, and what is made here goes together with what is made there.
"""

from __future__ import annotations

from _ctypes import (
    FUNCFLAG_CDECL,
    FUNCFLAG_PYTHONAPI,
    FUNCFLAG_USE_ERRNO,
    CFuncPtr,
    Structure,
    _Pointer,
    _SimpleCData,
    addressof,
    byref,
    dlopen,
    get_errno,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _ctypes import Array
    from typing import Any

    Address = _SimpleCData[int | None]
    Bool = _SimpleCData[bool]
    Bytes = _SimpleCData[bytes]
    Integer = _SimpleCData[int]
    Text = _SimpleCData[bytes | None]
else:
    Address = Bool = Bytes = Integer = Text = _SimpleCData

__all__ = ["Structure", "addressof", "byref", "get_errno"]


class c_bool(Bool):  # noqa: N801
    _type_ = "?"


class c_char(Bytes):  # noqa: N801
    _type_ = "c"


class c_char_p(Text):  # noqa: N801
    _type_ = "z"


class c_uint8(Integer):  # noqa: N801
    _type_ = "B"


class c_uint16(Integer):  # noqa: N801
    _type_ = "H"


class c_int(Integer):  # noqa: N801
    _type_ = "i"


class c_uint32(Integer):  # noqa: N801
    _type_ = "I"


class c_int64(Integer):  # noqa: N801
    _type_ = "q"


class c_uint64(Integer):  # noqa: N801
    _type_ = "Q"


class c_void_p(Address):  # noqa: N801
    _type_ = "P"


c_size_t = c_uint64


class CDLL:
    """A library's functions as attributes: they give an int and let other threads run meanwhile."""

    _flags = FUNCFLAG_CDECL

    def __init__(self, path: str | None, handle: int | None = None) -> None:
        """path: None is the program itself. Raises OSError where the library cannot be loaded."""
        self._handle = dlopen(path, 0) if handle is None else handle  # type: ignore[arg-type]
        flags = self._flags

        class Function(CFuncPtr):
            _flags_ = flags
            _restype_ = c_int

        self._function = Function

    def __getattr__(self, name: str) -> Any:
        function = self._function((name, self))  # type: ignore[arg-type]  # anything with a _handle
        setattr(self, name, function)
        return function


def errno_function(name: str) -> Any:
    """A function of the program's own C library that gives a long and leaves its errno to get_errno()."""

    class Function(CFuncPtr):
        _flags_ = FUNCFLAG_CDECL | FUNCFLAG_USE_ERRNO
        _restype_ = c_int64

    return Function((name, CDLL(None)))  # type: ignore[arg-type]  # anything with a _handle


class PyDLL(CDLL):
    """The same, but the interpreter's lock is kept during a call."""

    _flags = FUNCFLAG_CDECL | FUNCFLAG_PYTHONAPI


def CFUNCTYPE(result: type[Any] | None, *arguments: type[Any]) -> Any:  # noqa: N802
    """The type of C functions that are Python functions, or are found in a library."""
    return _prototype(FUNCFLAG_CDECL, result, arguments)


def PYFUNCTYPE(result: type[Any] | None, *arguments: type[Any]) -> Any:  # noqa: N802
    """The same with the lock kept."""
    return _prototype(FUNCFLAG_CDECL | FUNCFLAG_PYTHONAPI, result, arguments)


def _prototype(flags: int, result: type[Any] | None, arguments: tuple[type[Any], ...]) -> Any:
    class Prototype(CFuncPtr):
        _flags_ = flags
        _restype_ = result
        _argtypes_ = arguments

    return Prototype


def POINTER(target: type[Structure]) -> Any:  # noqa: N802
    """The type of pointers to a structure."""

    class Pointer(_Pointer):  # type: ignore[type-arg]  # no parameter at run time
        _type_ = target

    return Pointer


def create_string_buffer(init: bytes | int) -> Array[c_char]:
    """A char array of some bytes, or of so many zeros."""
    if isinstance(init, int):
        return (c_char * init)()
    return (c_char * len(init)).from_buffer_copy(init)
