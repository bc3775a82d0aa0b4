"""Who a task is (credentials(7)): numbers only; what the host lets pyuk do is decided by the host."""

from __future__ import annotations


class Credentials:
    """Real, effective and saved ids; the file-system ids follow the effective ones."""

    __slots__ = ("egid", "euid", "gid", "groups", "sgid", "suid", "uid")

    def __init__(self, uid: int, gid: int, euid: int, egid: int, groups: list[int]) -> None:
        self.uid, self.euid, self.suid = uid, euid, euid
        self.gid, self.egid, self.sgid = gid, egid, egid
        self.groups = groups

    def copy(self) -> Credentials:
        """A child's own, equal at first."""
        twin = Credentials(self.uid, self.gid, self.euid, self.egid, list(self.groups))
        twin.suid, twin.sgid = self.suid, self.sgid
        return twin
