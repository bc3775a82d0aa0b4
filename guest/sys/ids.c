// getuid(2) and its family: real, effective and saved ids agree for a program that is not set-id, and with the
// auxiliary vector; pid is tgid and tid of the first thread; a parent exists; groups, process group and session can
// be asked for.
#include "raw.h"

#include <linux/auxvec.h>
#include <linux/wait.h>

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    long uid = sys(getuid), gid = sys(getgid), pid = sys(getpid);
    EQ(sys(geteuid), uid);
    EQ(sys(getegid), gid);
    EQ(auxv_value(envp, AT_UID), uid);
    EQ(auxv_value(envp, AT_EUID), uid);
    EQ(auxv_value(envp, AT_GID), gid);
    EQ(auxv_value(envp, AT_EGID), gid);
    unsigned real = 77, effective = 77, saved = 77;
    EQ(sys(getresuid, &real, &effective, &saved), 0);
    EQ(real, uid);
    EQ(effective, uid);
    EQ(saved, uid);
    EQ(sys(getresgid, &real, &effective, &saved), 0);
    EQ(real, gid);
    EQ(saved, gid);
    EQ(sys(getresuid, BAD_POINTER, &effective, &saved), -EFAULT);

    CHECK(pid > 0);
    EQ(sys(getpid), pid);
    EQ(sys(gettid), pid);
    CHECK(sys(getppid) >= 0);                           // 0 for the first process of a pid namespace
    CHECK(sys(getppid) != pid);
    long child = sys(clone, 0, 0, 0, 0, 0);             // group and session may come from another namespace: 0 there
    if (child == 0) {
        pid = sys(getpid);
        EQ(sys(setsid), pid);
        EQ(sys(getpgrp), pid);
        EQ(sys(getpgid, 0), pid);
        EQ(sys(getpgid, pid), pid);
        EQ(sys(getsid, 0), pid);
        EQ(sys(getsid, pid), pid);
        sys(exit_group, 0);
    }
    int status = -1;
    EQ(sys(wait4, child, &status, __WALL, NULL), child);
    EQ(status, 0);
    EQ(sys(getpgid, 0x7ffffff0), -ESRCH);
    EQ(sys(getpgid, -1), -ESRCH);

    static unsigned groups[65536];
    long n = sys(getgroups, 0, NULL);
    CHECK(n >= 0);
    EQ(sys(getgroups, 65536, groups), n);
    EQ(sys(getgroups, -1, groups), -EINVAL);
    if (n > 0)
        EQ(sys(getgroups, n, BAD_POINTER), -EFAULT);
    return 0;
}
