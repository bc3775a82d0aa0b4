"""A process's view of the host's own tree, for tests of what pyuk does with host files."""

from __future__ import annotations

import os

from pyuk.fs.context import FsContext
from pyuk.fs.hostfs import HostFs
from pyuk.fs.namespace import Namespace


def host_context(directory: bytes = b".") -> FsContext:
    """The host's tree as it is, its /proc too, with the caller's umask."""
    umask = os.umask(0o077)
    os.umask(umask)
    namespace = Namespace()
    namespace.mount(b"/", lambda: HostFs(has_devices=True, has_proc=True), b"host")
    context = FsContext(namespace, None, umask)
    context.chdir(os.path.realpath(directory))
    return context
