"""The one place where a host's OSError becomes the guest's errno.

By name, because the numbers are the host's own: ENOTEMPTY is 39 on Linux and 66 on macOS.
"""

from __future__ import annotations

import errno as host_errno

from pyuk.abi import errno as linux
from pyuk.abi.errno import EIO, SyscallError

_OTHER_NAMES = {
    "ENOATTR": "ENODATA",
    "EFTYPE": "EINVAL",
    "EPROCLIM": "EAGAIN",
    "EBADRPC": "EIO",
}
"""BSD's names for what Linux calls otherwise."""

_cache: dict[int, int] = {}


def guest_error(error: OSError) -> SyscallError:
    """What the guest is told of a host error; one that Linux has no name for is EIO.

    Python's own OSErrors without a number (a NUL in a path) are bugs of ours and stay what they are.
    """
    number = error.errno
    if number is None:
        raise error
    known = _cache.get(number)
    if known is None:
        name = host_errno.errorcode.get(number, "")
        known = getattr(linux, _OTHER_NAMES.get(name, name), EIO)
        _cache[number] = known
    return SyscallError(known)
