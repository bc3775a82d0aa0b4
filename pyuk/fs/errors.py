"""The one place where a host's OSError becomes the guest's errno.

By name, because the numbers are the host's own: ENOTEMPTY is 39 on Linux and 66 on macOS.
"""

from __future__ import annotations

import errno as host_errno

from pyuk.abi import errno as linux
from pyuk.abi.errno import EIO, SyscallError

_OTHER_NAMES = {
    "ENOTSUP": "EOPNOTSUPP",
    "ENOATTR": "ENODATA",
    "EFTYPE": "EINVAL",
    "EPROCLIM": "EAGAIN",
    "EBADRPC": "EIO",
}
"""What a host calls otherwise than Linux does, or Linux twice."""

_known: dict[int, int] = {}
"""Host number to guest number; made when the first error comes."""


def guest_error(error: OSError) -> SyscallError:
    """What the guest is told of a host error; one that Linux has no name for is EIO.

    Python's own OSErrors without a number are bugs of ours and stay what they are.
    """
    if error.errno is None:
        raise error
    if not _known:
        for name, number in vars(host_errno).items():
            if isinstance(number, int):
                _known[number] = getattr(linux, name, 0) or getattr(linux, _OTHER_NAMES.get(name, ""), EIO)
    return SyscallError(_known.get(error.errno, EIO))
