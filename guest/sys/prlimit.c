// prlimit64(2), getrlimit and setrlimit: what is set is read back, old values come with the same call; a soft limit
// over the hard one and an unknown resource are EINVAL; pid 0 and one's own pid are the caller, an unused one is
// ESRCH.
#include "raw.h"

#include <linux/resource.h>

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    struct rlimit64 old = {1, 1}, new, now;
    struct rlimit classic;
    EQ(sys(prlimit64, 0, RLIMIT_STACK, NULL, &old), 0);
    EQ(old.rlim_cur, 8 << 20);
    EQ(sys(getrlimit, RLIMIT_STACK, &classic), 0);
    EQ(classic.rlim_cur, old.rlim_cur);
    EQ(classic.rlim_max, old.rlim_max);
    for (int resource = 0; resource < RLIM_NLIMITS; resource++) {
        EQ(sys(prlimit64, 0, resource, NULL, &now), 0);
        CHECK(now.rlim_cur <= now.rlim_max);
    }

    EQ(sys(prlimit64, 0, RLIMIT_NOFILE, NULL, &old), 0);
    new = (struct rlimit64){10, old.rlim_max};
    long pid = sys(getpid);
    EQ(sys(prlimit64, pid, RLIMIT_NOFILE, &new, &now), 0);
    EQ(now.rlim_cur, old.rlim_cur);                     // the old value comes back
    EQ(sys(prlimit64, 0, RLIMIT_NOFILE, NULL, &now), 0);
    EQ(now.rlim_cur, 10);
    for (int fd = 3; fd < 10; fd++)
        EQ(sys(open, "/dev/null", O_RDONLY), fd);
    EQ(sys(open, "/dev/null", O_RDONLY), -EMFILE);      // and it counts
    EQ(sys(dup, 0), -EMFILE);
    classic = (struct rlimit){20, old.rlim_max};
    EQ(sys(setrlimit, RLIMIT_NOFILE, &classic), 0);
    EQ(sys(dup, 0), 10);

    new = (struct rlimit64){20, 10};
    EQ(sys(prlimit64, 0, RLIMIT_NOFILE, &new, NULL), -EINVAL);
    EQ(sys(prlimit64, 0, RLIM_NLIMITS, NULL, &now), -EINVAL);
    EQ(sys(prlimit64, 0, -1, NULL, NULL), -EINVAL);
    EQ(sys(getrlimit, 99, &classic), -EINVAL);
    EQ(sys(prlimit64, 0, RLIMIT_NOFILE, BAD_POINTER, NULL), -EFAULT);
    EQ(sys(prlimit64, 0, RLIMIT_NOFILE, NULL, BAD_POINTER), -EFAULT);
    EQ(sys(prlimit64, 0x7ffffff0, RLIMIT_NOFILE, NULL, &now), -ESRCH);
    EQ(sys(prlimit64, 0, RLIMIT_NOFILE, NULL, NULL), 0);
    return 0;
}
