// Calls that change the machine or the tree of mounts, or need what this kernel is built without: the order of their errors.
#include "raw_file.h"

#include <linux/mount.h>

MAIN
{
    char path[8] = "x";
    // What a kernel without them answers, or one where nobody may; both are no
    long answer = sys(io_uring_setup, 0, NULL);
    CHECK(answer == -ENOSYS || answer == -EINVAL || answer == -EFAULT || answer == -EPERM);
    answer = sys(landlock_create_ruleset, NULL, 0, 1);
    CHECK(answer == -ENOSYS || answer == -EOPNOTSUPP || answer > 0);
    // Flags first
    EQ(sys(umount2, "nowhere", 0x100), -EINVAL);
    EQ(sys(umount2, "nowhere", 0), -ENOENT);
    EQ(sys(umount2, BAD_POINTER, 0), -EFAULT);
    EQ(sys(open_tree, AT_FDCWD, "nowhere", 0x10), -EINVAL);
    EQ(sys(open_tree, AT_FDCWD, "nowhere", AT_RECURSIVE), -EINVAL);
    EQ(sys(open_tree, AT_FDCWD, "nowhere", 0), -ENOENT);
    int fd = sys(open_tree, AT_FDCWD, ".", OPEN_TREE_CLOEXEC); // is an open with O_PATH
    EQ(sys(fcntl, fd, F_GETFL, 0), O_PATH);
    EQ(sys(fcntl, fd, F_GETFD, 0), FD_CLOEXEC);
    EQ(sys(fchdir, fd), 0);
    EQ(sys(symlink, "nowhere", "link"), 0);
    EQ(sys(open_tree, AT_FDCWD, "link", 0), -ENOENT);
    CHECK(sys(open_tree, AT_FDCWD, "link", AT_SYMLINK_NOFOLLOW) > 0);
    CHECK(sys(open_tree, fd, "", AT_EMPTY_PATH) > 0);
    EQ(sys(mount_setattr, AT_FDCWD, ".", 0x10, path, 32), -EINVAL);
    EQ(sys(mount_setattr, AT_FDCWD, ".", 0, path, 31), -EINVAL);
    EQ(sys(mount_setattr, AT_FDCWD, ".", 0, path, 4097), -E2BIG);
    EQ(sys(fsconfig, -1, 0, NULL, NULL, 0), -EINVAL);
    EQ(sys(fsconfig, 99, 100, NULL, NULL, 0), -EOPNOTSUPP);
    EQ(sys(quotactl, 99, NULL, 0, NULL), -EINVAL);
    EQ(sys(quotactl, 0x800002 << 8, NULL, 0, NULL), -ENODEV);
    EQ(sys(fanotify_mark, -1, 1, 1, AT_FDCWD, "."), -EBADF);
    EQ(sys(fanotify_mark, fd, 0x100, 1, AT_FDCWD, "."), -EINVAL);
    // chroot looks at the path first
    EQ(sys(chroot, "nowhere"), -ENOENT);
    EQ(sys(chroot, BAD_POINTER), -EFAULT);
    new_file("file");
    EQ(sys(chroot, "file"), -ENOTDIR);
    return 0;
}
