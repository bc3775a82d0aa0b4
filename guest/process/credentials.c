// credentials(7): who may become whom, with CAP_SETUID and without; saved and file-system ids; groups; capabilities go
// when the last id ceases to be 0, and come back with the effective one; capget and capset; who may signal whom.
#include "raw_process.h"

#include <linux/capability.h>
#include <linux/prctl.h>

static void ids(long r, long e, long s)
{
    unsigned real, effective, saved;
    EQ(sys(getresuid, &real, &effective, &saved), 0);
    EQ(real, r);
    EQ(effective, e);
    EQ(saved, s);
}

static unsigned long effective_caps(void)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2];
    EQ(sys(capget, &header, data), 0);
    return data[0].effective | (unsigned long)data[1].effective << 32;
}

static unsigned long permitted_caps(void)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2];
    EQ(sys(capget, &header, data), 0);
    return data[0].permitted | (unsigned long)data[1].permitted << 32;
}

static int unprivileged(void)
{
    long uid = sys(getuid), gid = sys(getgid);
    EQ(sys(setuid, uid), 0);
    EQ(sys(setgid, gid), 0);
    EQ(sys(setuid, uid + 1), -EPERM);
    EQ(sys(setgid, gid + 1), -EPERM);
    EQ(sys(setuid, -1), -EINVAL);
    EQ(sys(setreuid, -1, uid + 1), -EPERM);
    EQ(sys(setreuid, uid + 1, -1), -EPERM);
    EQ(sys(setresuid, -1, -1, uid + 1), -EPERM);
    EQ(sys(setresgid, gid + 1, -1, -1), -EPERM);
    EQ(sys(setresuid, uid, -1, -1), 0);
    EQ(sys(setgroups, 0, NULL), -EPERM);
    EQ(sys(setfsuid, uid + 1), uid);
    EQ(sys(setfsuid, -1), uid);
    EQ(effective_caps(), 0);
    EQ(sys(setpriority, 0, 0, 5), 0);
    EQ(sys(getpriority, 0, 0), 15);
    EQ(sys(setpriority, 0, 0, 3), -EACCES);
    int five = 5;
    EQ(sys(sched_setscheduler, 0, 1, &five), -EPERM);
    EQ(sys(sethostname, "x", -1), -EPERM);              // a length that root is refused as well
    return 0;
}

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    if (sys(getuid) != 0)
        return unprivileged();
    long child = sys(fork);
    if (child == 0) {
        EQ(sys(setresuid, 1000, 2000, 3000), 0);
        ids(1000, 2000, 3000);
        EQ(effective_caps(), 0);
        EQ(sys(setuid, 3000), 0);                       // the effective one may become real or saved
        ids(1000, 3000, 3000);
        EQ(sys(setuid, 1000), 0);
        ids(1000, 1000, 3000);
        EQ(sys(setuid, 2000), -EPERM);
        EQ(sys(setreuid, 3000, -1), -EPERM);            // real: real or effective only
        EQ(sys(setreuid, -1, 3000), 0);                 // effective: any of the three; the saved one follows
        ids(1000, 3000, 3000);
        EQ(sys(setreuid, 3000, 1000), 0);
        ids(3000, 1000, 1000);
        EQ(sys(setresuid, -1, 3000, -1), 0);
        ids(3000, 3000, 1000);
        EQ(sys(setfsuid, 1000), 3000);
        EQ(sys(setfsuid, 5), 1000);
        EQ(sys(setfsuid, -1), 1000);
        quit(0);
    }
    EQ(wait_status(child), EXITED(0));

    child = sys(fork);
    if (child == 0) {
        unsigned groups[3] = {30, 10, 20};
        EQ(sys(setgroups, 3, groups), 0);
        EQ(sys(getgroups, 3, groups), 3);
        CHECK(groups[0] == 10 && groups[1] == 20 && groups[2] == 30);
        EQ(sys(getgroups, 2, groups), -EINVAL);
        EQ(sys(setgroups, 65537, groups), -EINVAL);
        EQ(sys(setgroups, 1, BAD_POINTER), -EFAULT);
        unsigned long all = permitted_caps();
        CHECK(all != 0);
        EQ(sys(prctl, PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0), 0);
        EQ(sys(setresuid, -1, 1000, 0), 0);             // effective goes, permitted stays
        EQ(effective_caps(), 0);
        EQ(permitted_caps(), all);
        int signo = -1;
        EQ(sys(prctl, PR_GET_PDEATHSIG, &signo, 0, 0, 0), 0);
        EQ(signo, 0);
        EQ(sys(prctl, PR_GET_DUMPABLE, 0, 0, 0, 0), 0);
        EQ(sys(setresuid, -1, 0, -1), 0);
        EQ(effective_caps(), all);
        EQ(sys(setregid, 5, 6), 0);
        EQ(sys(getgid), 5);
        EQ(sys(getegid), 6);
        EQ(sys(prctl, PR_SET_KEEPCAPS, 1, 0, 0, 0), 0);
        EQ(sys(prctl, PR_GET_KEEPCAPS, 0, 0, 0, 0), 1);
        EQ(sys(setuid, 7), 0);
        ids(7, 7, 7);
        EQ(effective_caps(), 0);
        EQ(permitted_caps(), all);
        struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
        struct __user_cap_data_struct data[2] = {{1 << CAP_SETUID, 1 << CAP_SETUID, 0}, {0, 0, 0}};
        EQ(sys(capset, &header, data), 0);
        EQ(effective_caps(), 1 << CAP_SETUID);
        EQ(sys(setuid, 8), 0);
        data[0].permitted = -1;
        EQ(sys(capset, &header, data), -EPERM);
        header.version = 0;
        EQ(sys(capget, &header, NULL), 0);
        EQ(header.version, _LINUX_CAPABILITY_VERSION_3);
        header.version = 1;
        EQ(sys(capget, &header, data), -EINVAL);
        quit(0);
    }
    EQ(wait_status(child), EXITED(0));

    child = sys(fork);
    if (child == 0) {
        EQ(sys(setresgid, 4321, 4321, 4321), 0);
        EQ(sys(setuid, 4321), 0);
        ids(4321, 4321, 4321);
        EQ(sys(kill, parent(), 0), -EPERM);
        EQ(sys(tkill, parent(), 0), -EPERM);
        EQ(sys(kill, self(), 0), 0);
        quit(unprivileged());
    }
    EQ(wait_status(child), EXITED(0));

    // nice values and policies
    EQ(sys(getpriority, 0, 0), 20);
    EQ(sys(getpriority, 5, 0), -EINVAL);
    EQ(sys(getpriority, 0, 0x7ffffff0), -ESRCH);
    EQ(sys(setpriority, 0, 0, 100), 0);
    EQ(sys(getpriority, 0, 0), 1);
    EQ(sys(setpriority, 0, 0, 0), 0);
    int zero = 0, one = 1;
    EQ(sys(sched_getscheduler, 0), 0);
    EQ(sys(sched_getscheduler, -1), -EINVAL);
    EQ(sys(sched_getscheduler, 0x7ffffff0), -ESRCH);
    EQ(sys(sched_setscheduler, 0, 3, &one), -EINVAL);
    EQ(sys(sched_setscheduler, 0, 1, &zero), -EINVAL);
    EQ(sys(sched_setscheduler, 0, 3, &zero), 0);
    EQ(sys(sched_getscheduler, 0), 3);
    EQ(sys(sched_get_priority_max, 2), 99);
    EQ(sys(sched_get_priority_min, 0), 0);
    EQ(sys(sched_get_priority_max, 99), -EINVAL);
    unsigned long mask = 0;
    EQ(sys(sched_setaffinity, 0, 8, &mask), -EINVAL);
    static char cpus[128];
    CHECK(sys(sched_getaffinity, 0, 128, cpus) >= 8);
    return 0;
}
