// mlock(2) and its family: the limit is RLIMIT_MEMLOCK, holes are ENOMEM, a locked page refuses MADV_DONTNEED and
// MS_INVALIDATE, mlock has every page at once; mlockall(MCL_FUTURE) locks what comes. Run without privilege.
#include "raw.h"
#include <linux/resource.h>

#define RW (PROT_READ | PROT_WRITE)

static int resident(void *p)
{
    unsigned char vec = 0;
    return sys(mincore, p, PAGE, &vec) == 0 ? vec & 1 : -1;
}

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    struct { unsigned long soft, hard; } limit = {16 * PAGE, 16 * PAGE};
    EQ(sys(prlimit64, 0, 8, &limit, 0), 0);
    sys(setresuid, 12345, 12345, 12345);                // CAP_IPC_LOCK goes
    char *p = map(0, 24 * PAGE, RW, 0);
    CHECK((long)p > 0);
    EQ(sys(madvise, p, 24 * PAGE, 15), 0);              // MADV_NOHUGEPAGE
    EQ(resident(p), 0);
    EQ(sys(mlock, p + 1, PAGE), 0);                     // pages 0 and 1
    EQ(resident(p), 1);
    EQ(resident(p + PAGE), 1);
    EQ(resident(p + 2 * PAGE), 0);
    EQ(sys(madvise, p, PAGE, 4), -EINVAL);              // MADV_DONTNEED
    EQ(sys(msync, p, PAGE, 2), -EBUSY);                 // MS_INVALIDATE
    EQ(sys(mlock, p, 0), 0);
    EQ(sys(mlock, p, 17 * PAGE), -ENOMEM);
    EQ(sys(mlock, p, 16 * PAGE), 0);                    // two of them are locked already
    EQ(sys(mlock, p + 16 * PAGE, PAGE), -ENOMEM);
    EQ(sys(munlock, p + 4 * PAGE, 12 * PAGE), 0);
    EQ(sys(mlock, p + 16 * PAGE, PAGE), 0);
    EQ(sys(munlock, p, 24 * PAGE), 0);
    EQ(sys(madvise, p, PAGE, 4), 0);
    EQ(resident(p), 0);

    EQ(sys(mlock2, p + 20 * PAGE, PAGE, 2), -EINVAL);
    EQ(sys(mlock2, p + 20 * PAGE, PAGE, 1), 0);         // MLOCK_ONFAULT
    EQ(resident(p + 20 * PAGE), 0);
    p[20 * PAGE] = 1;
    EQ(resident(p + 20 * PAGE), 1);
    EQ(sys(madvise, p + 20 * PAGE, PAGE, 4), -EINVAL);
    EQ(sys(munlock, p, 24 * PAGE), 0);

    EQ(sys(munmap, p + 8 * PAGE, PAGE), 0);
    EQ(sys(mlock, p + 7 * PAGE, 3 * PAGE), -ENOMEM);    // a hole, after what comes before it is locked
    EQ(sys(madvise, p + 7 * PAGE, PAGE, 4), -EINVAL);
    EQ(sys(madvise, p + 9 * PAGE, PAGE, 4), 0);
    EQ(sys(mlock, -PAGE, 2 * PAGE), -EINVAL);
    EQ(sys(munlock, p + 8 * PAGE, PAGE), -ENOMEM);
    EQ(sys(mprotect, p + 9 * PAGE, PAGE, PROT_NONE), 0);
    EQ(sys(mlock, p + 9 * PAGE, PAGE), -ENOMEM);
    EQ(sys(munlock, p + 9 * PAGE, PAGE), 0);
    EQ(sys(munlock, p + 7 * PAGE, PAGE), 0);

    EQ(sys(mmap, 0, 17 * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0), -EAGAIN);
    char *locked = map(0, 4 * PAGE, RW, MAP_LOCKED);
    CHECK((long)locked > 0);
    EQ(resident(locked + 3 * PAGE), 1);
    EQ(sys(mremap, locked, 4 * PAGE, 20 * PAGE, 1, 0), -EAGAIN);
    EQ(sys(munmap, locked, 4 * PAGE), 0);

    EQ(sys(mlockall, 0), -EINVAL);
    EQ(sys(mlockall, 8), -EINVAL);
    EQ(sys(mlockall, 4), -EINVAL);                      // MCL_ONFAULT alone
    EQ(sys(mlockall, 1), -ENOMEM);                      // MCL_CURRENT: more is mapped than the limit
    EQ(sys(mlockall, 2), 0);                            // MCL_FUTURE
    EQ(sys(mmap, 0, 17 * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), -EAGAIN);
    locked = map(0, 4 * PAGE, RW, 0);
    CHECK((long)locked > 0);
    EQ(resident(locked), 1);
    EQ(sys(madvise, locked, PAGE, 4), -EINVAL);
    EQ(sys(munlockall), 0);
    EQ(sys(madvise, locked, PAGE, 4), 0);
    p = map(0, 17 * PAGE, RW, 0);
    CHECK((long)p > 0);

    limit.soft = limit.hard = 0;
    EQ(sys(prlimit64, 0, 8, &limit, 0), 0);
    EQ(sys(mlock, p, PAGE), -EPERM);
    EQ(sys(mlockall, 2), -EPERM);
    EQ(sys(munlock, p, PAGE), 0);
    EQ(sys(mmap, 0, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0), -EPERM);
    return 0;
}
