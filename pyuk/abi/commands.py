"""Calls that are many calls: what the argument is, by command. Only tracers and documentation read this.

A command that is not listed has the default; None means that the command has no such argument.
Source: man 2 fcntl, ioctl_tty, ioctl, arch_prctl, prctl; linux/prctl.h, asm/prctl.h.
"""

from __future__ import annotations

from pyuk.abi import epoll, fcntl, futex, ioctls, mountapi, prctl, quota, seccomp, shm, socket
from pyuk.abi.kinds import (
    IN,
    OUT,
    Address,
    Buffer,
    ByCommand,
    CString,
    Explained,
    FdNumber,
    Flags,
    Kind,
    Number,
    StructAt,
    Word,
)  # fmt: skip
from pyuk.abi.structs import (
    CHARACTER,
    EPOLL_EVENT,
    F_OWNER_EX,
    FLOCK,
    FLOCK_PID,
    HEX64,
    INT32,
    POINTER,
    SECCOMP_ACTION,
    SECCOMP_NOTIF,
    SECCOMP_NOTIF_ADDFD,
    SECCOMP_NOTIF_RESP,
    SECCOMP_NOTIF_SIZES,
    SHM_INFO_STRUCT,
    SHMID_DS,
    SHMID_SET,
    SHMINFO,
    SOCK_FPROG,
    TERMIO,
    TERMIOS,
    TERMIOS2,
    TIMESPEC,
    UINT32,
    UINT64,
    WINSIZE,
)  # fmt: skip
from pyuk.abi.tables import Table

Commands = dict[int, Kind | None]

DEFAULT = Number("ulong", 16)
OTHERWISE = -1
"""The key of a table's own default, where it is not DEFAULT."""

_INT = Number("int")
_FD_FLAGS = Flags(Table("fcntl", "FD_"), "uint")
_OPEN_FLAGS = Flags(Table("fcntl", "O_ __O_ FASYNC", without="O_ASYNC"), "uint", modes=fcntl.O_ACCMODE)
_SEALS = Flags(Table("fcntl", "F_SEAL_"), "uint")

FCNTL: Commands = {
    fcntl.F_DUPFD: _INT,
    fcntl.F_DUPFD_CLOEXEC: _INT,
    fcntl.F_GETFD: None,
    fcntl.F_SETFD: _FD_FLAGS,
    fcntl.F_GETFL: None,
    fcntl.F_SETFL: _OPEN_FLAGS,
    fcntl.F_GETLK: StructAt(OUT, FLOCK_PID),
    fcntl.F_SETLK: StructAt(IN, FLOCK),
    fcntl.F_SETLKW: StructAt(IN, FLOCK),
    fcntl.F_OFD_GETLK: StructAt(OUT, FLOCK_PID),
    fcntl.F_OFD_SETLK: StructAt(IN, FLOCK),
    fcntl.F_OFD_SETLKW: StructAt(IN, FLOCK),
    fcntl.F_GETOWN: None,
    fcntl.F_SETOWN: _INT,
    fcntl.F_SETOWN_EX: StructAt(IN, F_OWNER_EX),
    fcntl.F_GETOWN_EX: StructAt(OUT, F_OWNER_EX),
    fcntl.F_GETOWNER_UIDS: StructAt(OUT, UINT32, 2),
    fcntl.F_GETSIG: None,
    fcntl.F_SETSIG: Word("signal", "int"),
    fcntl.F_GETLEASE: None,
    fcntl.F_SETLEASE: Flags(Table("fcntl", "F_RDLCK F_WRLCK F_UNLCK", unknown="F_???"), enum=True),
    fcntl.F_GETPIPE_SZ: None,
    fcntl.F_SETPIPE_SZ: _INT,
    fcntl.F_GET_SEALS: None,
    fcntl.F_ADD_SEALS: _SEALS,
}
FCNTL_RESULT: Commands = {
    fcntl.F_DUPFD: FdNumber(),
    fcntl.F_DUPFD_CLOEXEC: FdNumber(),
    fcntl.F_GETFD: Explained(_FD_FLAGS, "flags ", base=16),
    fcntl.F_GETFL: Explained(_OPEN_FLAGS, "flags ", base=16, zero=True),
    fcntl.F_GET_SEALS: Explained(_SEALS, "seals ", base=16),
    fcntl.F_GETSIG: Explained(Word("signal", "int")),
    fcntl.F_GETLEASE: Explained(
        Flags(Table("fcntl", "F_RDLCK F_WRLCK F_UNLCK", unknown="F_???"), enum=True), base=16, zero=True
    ),
}

EPOLL_CTL: Commands = {
    epoll.EPOLL_CTL_DEL: Address(),
    OTHERWISE: StructAt(IN, EPOLL_EVENT),
}
SHMCTL: Commands = {
    **dict.fromkeys((shm.IPC_STAT, shm.SHM_STAT, shm.SHM_STAT_ANY), StructAt(OUT, SHMID_DS)),
    shm.IPC_SET: StructAt(IN, SHMID_SET),
    shm.IPC_INFO: StructAt(OUT, SHMINFO),
    shm.SHM_INFO: StructAt(OUT, SHM_INFO_STRUCT),
    OTHERWISE: Address(),
}
MEMBARRIER_RESULT: Commands = {
    0: Explained(
        Flags(Table("membarrier", "MEMBARRIER_CMD_", without="MEMBARRIER_CMD_QUERY MEMBARRIER_CMD_FLAG_*")), base=16
    ),
}

_TERMIOS_IN, _TERMIOS_OUT = StructAt(IN, TERMIOS), StructAt(OUT, TERMIOS)
_INT_IN, _INT_OUT = StructAt(IN, INT32), StructAt(OUT, INT32)

IOCTL: Commands = {
    ioctls.TCGETS: _TERMIOS_OUT,
    ioctls.TCSETS: _TERMIOS_IN,
    ioctls.TCSETSW: _TERMIOS_IN,
    ioctls.TCSETSF: _TERMIOS_IN,
    ioctls.TCGETS2: StructAt(OUT, TERMIOS2),
    ioctls.TCSETS2: StructAt(IN, TERMIOS2),
    ioctls.TCSETSW2: StructAt(IN, TERMIOS2),
    ioctls.TCSETSF2: StructAt(IN, TERMIOS2),
    ioctls.TCGETA: StructAt(OUT, TERMIO),
    **dict.fromkeys((ioctls.TCSETA, ioctls.TCSETAW, ioctls.TCSETAF), StructAt(IN, TERMIO)),
    ioctls.TIOCGLCKTRMIOS: _TERMIOS_OUT,
    ioctls.TIOCSLCKTRMIOS: _TERMIOS_IN,
    ioctls.TIOCGSOFTCAR: _INT_OUT,
    ioctls.TIOCSSOFTCAR: _INT_IN,
    ioctls.TIOCGDEV: StructAt(OUT, UINT32),
    ioctls.TIOCSTI: StructAt(IN, CHARACTER),
    ioctls.TIOCCONS: None,
    ioctls.TIOCMGET: Address(),
    ioctls.TIOCGWINSZ: StructAt(OUT, WINSIZE),
    ioctls.TIOCSWINSZ: StructAt(IN, WINSIZE),
    ioctls.TCXONC: Flags(Table("ioctls", "TCO TCI", unknown="TC???"), enum=True),
    ioctls.TCFLSH: Flags(Table("ioctls", "TCIFLUSH TCOFLUSH TCIOFLUSH", unknown="TC???"), enum=True),
    ioctls.TCSBRK: _INT,
    ioctls.TCSBRKP: _INT,
    ioctls.TIOCSCTTY: _INT,
    ioctls.TIOCGPGRP: _INT_OUT,
    ioctls.TIOCGSID: _INT_OUT,
    ioctls.TIOCGETD: _INT_OUT,
    ioctls.TIOCGPTN: _INT_OUT,
    ioctls.FIONREAD: _INT_OUT,
    ioctls.TIOCOUTQ: _INT_OUT,
    ioctls.TIOCGEXCL: _INT_OUT,
    ioctls.TIOCSPGRP: _INT_IN,
    ioctls.TIOCSETD: _INT_IN,
    ioctls.FIONBIO: _INT_IN,
    ioctls.FIOASYNC: _INT_IN,
    ioctls.TIOCPKT: _INT_IN,
    ioctls.TIOCSPTLCK: _INT_IN,
    ioctls.TIOCEXCL: None,
    ioctls.TIOCNXCL: None,
    ioctls.TIOCNOTTY: None,
    ioctls.TIOCSBRK: None,
    ioctls.TIOCCBRK: None,
    ioctls.TIOCVHANGUP: None,
    ioctls.FIOCLEX: None,
    ioctls.FIONCLEX: None,
    ioctls.SECCOMP_IOCTL_NOTIF_RECV: StructAt(OUT, SECCOMP_NOTIF),
    ioctls.SECCOMP_IOCTL_NOTIF_SEND: StructAt(IN, SECCOMP_NOTIF_RESP),
    ioctls.SECCOMP_IOCTL_NOTIF_ADDFD: StructAt(IN, SECCOMP_NOTIF_ADDFD),
    **dict.fromkeys(
        (ioctls.SECCOMP_IOCTL_NOTIF_ID_VALID, ioctls.SECCOMP_IOCTL_NOTIF_ID_VALID_WRONG_DIR), StructAt(IN, HEX64)
    ),
    ioctls.FICLONE: _INT,
    ioctls.SIOCATMARK: _INT_OUT,
}

FSCONFIG_KEY: Commands = {
    **dict.fromkeys(range(mountapi.FSCONFIG_CMD_CREATE), CString()),
    OTHERWISE: Address(),
}
FSCONFIG_VALUE: Commands = {
    mountapi.FSCONFIG_SET_STRING: CString(),
    mountapi.FSCONFIG_SET_BINARY: Buffer(IN, "aux", opaque=True),
    mountapi.FSCONFIG_SET_PATH: CString(path=True),
    mountapi.FSCONFIG_SET_PATH_EMPTY: CString(path=True),
    OTHERWISE: Address(),
}
FSCONFIG_AUX: Commands = {
    **dict.fromkeys((mountapi.FSCONFIG_SET_PATH, mountapi.FSCONFIG_SET_PATH_EMPTY), FdNumber(dirfd=True)),
    OTHERWISE: Number("int"),
}

QUOTA_ID: Commands = {
    **dict.fromkeys(
        command << 8
        for command in (
            quota.Q_SYNC, quota.Q_QUOTAOFF, quota.Q_GETFMT, quota.Q_GETINFO, quota.Q_SETINFO, quota.Q_XQUOTAON,
            quota.Q_XQUOTAOFF, quota.Q_XGETQSTAT, quota.Q_XQUOTARM, quota.Q_XQUOTASYNC, quota.Q_XGETQSTATV,
        )
    ),
    quota.Q_QUOTAON << 8: Flags(Table("quota", "QFMT_", unknown="QFMT_VFS_???"), "uint", enum=True),
    OTHERWISE: Word("id", "uint"),
}  # fmt: skip
QUOTA_ADDRESS: Commands = {
    **dict.fromkeys((quota.Q_SYNC << 8, quota.Q_QUOTAOFF << 8, quota.Q_XQUOTASYNC << 8)),
    OTHERWISE: Address(),
}

ARCH_PRCTL: Commands = {
    prctl.ARCH_GET_FS: StructAt(OUT, POINTER),
    prctl.ARCH_GET_GS: StructAt(OUT, POINTER),
    prctl.ARCH_GET_CPUID: None,
}

_INET_PROTOCOL = Flags(Table("inet", "IPPROTO_"), enum=True)
SOCKET_PROTOCOL: Commands = {
    socket.AF_INET: _INET_PROTOCOL,
    socket.AF_INET6: _INET_PROTOCOL,
    socket.AF_NETLINK: Flags(
        Table(
            "netlink",
            "NETLINK_",
            without="NETLINK_ADD_* NETLINK_DROP_* NETLINK_PKTINFO NETLINK_BROADCAST_ERROR NETLINK_NO_* NETLINK_RX_RING "
            "NETLINK_TX_RING NETLINK_LISTEN_* NETLINK_LIST_* NETLINK_CAP_ACK NETLINK_EXT_ACK NETLINK_GET_STRICT_CHK",
        ),
        enum=True,
    ),
    socket.AF_PACKET: Word("ethertype", "int"),
    OTHERWISE: Number("uint"),
}

_NO_ARGUMENT = dict.fromkeys(
    (
        prctl.PR_GET_DUMPABLE, prctl.PR_GET_KEEPCAPS, prctl.PR_GET_SECCOMP, prctl.PR_GET_TIMERSLACK,
        prctl.PR_GET_SECUREBITS, prctl.PR_GET_TIMING, prctl.PR_MCE_KILL_GET, prctl.PR_TASK_PERF_EVENTS_DISABLE,
        prctl.PR_TASK_PERF_EVENTS_ENABLE,
    )
)  # fmt: skip
_DECIMAL = Number("ulong")
_DECIMAL_REST = dict.fromkeys(
    (prctl.PR_GET_NO_NEW_PRIVS, prctl.PR_SET_NO_NEW_PRIVS, prctl.PR_GET_THP_DISABLE, prctl.PR_SET_THP_DISABLE), _DECIMAL
)
PRCTL: Commands = {
    **_NO_ARGUMENT,
    **_DECIMAL_REST,
    prctl.PR_SET_SECCOMP: Flags(Table("seccomp", "SECCOMP_MODE_"), "ulong", enum=True),
    prctl.PR_SET_NAME: CString(),
    prctl.PR_GET_NAME: CString(OUT),
    prctl.PR_SET_DUMPABLE: Flags(Table("prctl", "SUID_DUMP_"), "ulong", enum=True),
    prctl.PR_SET_PDEATHSIG: Word("signal", "int"),
    prctl.PR_GET_PDEATHSIG: StructAt(OUT, INT32),
    prctl.PR_SET_CHILD_SUBREAPER: _DECIMAL,
    prctl.PR_GET_CHILD_SUBREAPER: StructAt(OUT, INT32),
    prctl.PR_SET_KEEPCAPS: _DECIMAL,
    prctl.PR_SET_TIMERSLACK: Number("long"),
    prctl.PR_GET_TID_ADDRESS: StructAt(OUT, UINT64),
    prctl.PR_SET_VMA: Flags(Table("prctl", "PR_SET_VMA_"), "ulong", enum=True),
}
PRCTL_REST: Commands = {
    **dict.fromkeys(PRCTL),
    **_DECIMAL_REST,
    prctl.PR_SET_VMA: Address(),
    prctl.PR_SET_SECCOMP: ByCommand("arg2", "SECCOMP_MODE_REST"),
}
"""The fourth argument and those after it."""
PRCTL_THIRD: Commands = {**PRCTL_REST, prctl.PR_SET_SECCOMP: ByCommand("arg2", "SECCOMP_MODE_THIRD")}
SECCOMP_MODE_REST: Commands = {seccomp.SECCOMP_MODE_STRICT: None, seccomp.SECCOMP_MODE_FILTER: None}
SECCOMP_MODE_THIRD: Commands = {**SECCOMP_MODE_REST, seccomp.SECCOMP_MODE_FILTER: StructAt(IN, SOCK_FPROG)}
PRCTL_RESULT: Commands = {
    prctl.PR_GET_DUMPABLE: Explained(Flags(Table("prctl", "SUID_DUMP_"), "ulong", enum=True)),
}

SECCOMP: Commands = {
    seccomp.SECCOMP_SET_MODE_FILTER: StructAt(IN, SOCK_FPROG),
    seccomp.SECCOMP_GET_ACTION_AVAIL: StructAt(IN, SECCOMP_ACTION),
    seccomp.SECCOMP_GET_NOTIF_SIZES: StructAt(OUT, SECCOMP_NOTIF_SIZES),
    OTHERWISE: Address(),
}
SECCOMP_FLAGS: Commands = {
    seccomp.SECCOMP_SET_MODE_FILTER: Flags(Table("seccomp", "SECCOMP_FILTER_FLAG_"), "uint"),
    OTHERWISE: Number("uint", 16),
}

FUTEX_TIMEOUT: Commands = {
    **dict.fromkeys((futex.FUTEX_WAKE, futex.FUTEX_FD, futex.FUTEX_UNLOCK_PI, futex.FUTEX_TRYLOCK_PI)),
    **dict.fromkeys(
        (futex.FUTEX_WAIT, futex.FUTEX_WAIT_BITSET, futex.FUTEX_LOCK_PI, futex.FUTEX_LOCK_PI2), StructAt(IN, TIMESPEC)
    ),
    futex.FUTEX_WAKE_BITSET: None,
    futex.FUTEX_REQUEUE: Number("uint"),
    futex.FUTEX_CMP_REQUEUE: Number("uint"),
}
_PAIRS = (futex.FUTEX_REQUEUE, futex.FUTEX_CMP_REQUEUE, futex.FUTEX_WAKE_OP)
FUTEX_ADDRESS: Commands = {
    **dict.fromkeys(FUTEX_TIMEOUT),
    **dict.fromkeys((*_PAIRS, OTHERWISE), Address()),
}
_BITSET = Flags(Table("futex", "FUTEX_BITSET_MATCH_ANY", unknown=""), "uint", enum=True)
FUTEX_VALUE: Commands = {
    **dict.fromkeys(FUTEX_TIMEOUT),
    futex.FUTEX_WAIT_BITSET: _BITSET,
    futex.FUTEX_WAKE_BITSET: _BITSET,
    futex.FUTEX_CMP_REQUEUE: Number("uint"),
    futex.FUTEX_WAKE_OP: Number("uint", 16),
}
