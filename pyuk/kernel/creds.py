"""Who a task is (credentials(7), capabilities(7)): numbers only; what the host lets pyuk do is decided by the host."""

from __future__ import annotations

from pyuk.abi.capability import CAP_LAST_CAP

ALL_CAPABILITIES = (1 << CAP_LAST_CAP + 1) - 1


class Credentials:
    """Real, effective, saved and file-system ids, and the sets of capabilities; those of one thread.

    Invariant: effective is within permitted.
    """

    __slots__ = (
        "effective", "egid", "euid", "fsgid", "fsuid", "gid", "groups", "inheritable", "keeps_caps", "permitted",
        "sgid", "suid", "uid",
    )  # fmt: skip

    def __init__(self, uid: int, gid: int, euid: int, egid: int, groups: list[int]) -> None:
        self.uid, self.euid, self.suid, self.fsuid = uid, euid, euid, euid
        self.gid, self.egid, self.sgid, self.fsgid = gid, egid, egid, egid
        self.groups = groups
        self.permitted = ALL_CAPABILITIES if 0 in (uid, euid) else 0
        self.effective = ALL_CAPABILITIES if euid == 0 else 0
        self.inheritable = 0
        self.keeps_caps = False
        """PR_SET_KEEPCAPS: permitted stays when the last user id ceases to be 0."""

    def copy(self) -> Credentials:
        """A child's own, equal at first."""
        twin = Credentials.__new__(Credentials)
        for name in self.__slots__:
            setattr(twin, name, getattr(self, name))
        twin.groups = list(self.groups)
        return twin

    def has(self, capability: int) -> bool:
        """Whether a capability is effective."""
        return bool(self.effective >> capability & 1)

    def set_uids(self, uid: int, euid: int, suid: int) -> None:
        """Replace the user ids, and let capabilities come and go with root (security/commoncap.c, cap_task_fix_setuid).

        The file-system id becomes the effective one.
        """
        was_root, was_effective_root = 0 in (self.uid, self.euid, self.suid), self.euid == 0
        self.uid, self.euid, self.suid, self.fsuid = uid, euid, suid, euid
        if was_root and 0 not in (uid, euid, suid) and not self.keeps_caps:
            self.permitted = self.effective = 0
        if was_effective_root and euid:
            self.effective = 0
        elif not was_effective_root and not euid:
            self.effective = self.permitted

    def set_gids(self, gid: int, egid: int, sgid: int) -> None:
        """Replace the group ids; the file-system id becomes the effective one."""
        self.gid, self.egid, self.sgid, self.fsgid = gid, egid, sgid, egid

    def after_exec(self) -> None:
        """Of a program without set-id bits: root has everything again, others nothing (cap_bprm_creds_from_file)."""
        self.suid = self.fsuid = self.euid
        self.sgid = self.fsgid = self.egid
        self.permitted = ALL_CAPABILITIES if 0 in (self.uid, self.euid) else 0
        self.effective = self.permitted if self.euid == 0 else 0
        self.keeps_caps = False

    def may_signal(self, other: Credentials) -> bool:
        """kernel/signal.c, kill_ok_by_cred."""
        from pyuk.abi.capability import CAP_KILL  # noqa: PLC0415

        return bool({self.euid, self.uid} & {other.suid, other.uid}) or self.has(CAP_KILL)

    def owns(self, other: Credentials) -> bool:
        """Whether the scheduling of the other may be changed (kernel/sched/core.c, check_same_owner)."""
        return self.euid in (other.euid, other.uid)
