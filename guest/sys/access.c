// access(2), faccessat and faccessat2: existence and rights, with the real ids; the superuser may execute only what
// has an x bit; EINVAL for unknown modes and flags.
#include "raw.h"

enum { F_OK = 0, X_OK = 1, W_OK = 2, R_OK = 4 };

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    int fd = sys(open, "file", O_RDWR | O_CREAT | O_TRUNC, 0600);
    CHECK(fd >= 0);

    EQ(sys(access, "file", F_OK), 0);
    EQ(sys(access, "file", R_OK | W_OK), 0);
    EQ(sys(access, "file", X_OK), -EACCES);             // also for root: no x bit at all
    EQ(sys(fchmod, fd, 0700), 0);
    EQ(sys(access, "file", X_OK), 0);
    EQ(sys(access, ".", X_OK), 0);
    EQ(sys(access, "none", F_OK), -ENOENT);
    EQ(sys(access, "", F_OK), -ENOENT);
    EQ(sys(access, "file/x", F_OK), -ENOTDIR);
    EQ(sys(access, "file", 8), -EINVAL);
    EQ(sys(access, "none", 8), -EINVAL);
    EQ(sys(access, "file", -1), -EINVAL);

    EQ(sys(symlink, "nowhere", "dangling"), 0);
    EQ(sys(access, "dangling", F_OK), -ENOENT);
    EQ(sys(faccessat, AT_FDCWD, "file", R_OK), 0);
    EQ(sys(faccessat, -1, "file", R_OK), -EBADF);
    EQ(sys(faccessat, fd, "file", R_OK), -ENOTDIR);
    EQ(sys(faccessat2, AT_FDCWD, "dangling", F_OK, AT_SYMLINK_NOFOLLOW), 0);
    EQ(sys(faccessat2, AT_FDCWD, "file", R_OK, AT_EACCESS), 0);
    EQ(sys(faccessat2, fd, "", R_OK, AT_EMPTY_PATH), 0);
    EQ(sys(faccessat2, fd, "", R_OK, 0), -ENOENT);
    EQ(sys(faccessat2, AT_FDCWD, "file", R_OK, 0x8000), -EINVAL);
    return 0;
}
