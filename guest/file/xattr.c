// setxattr(2), getxattr(2), listxattr(2), removexattr(2), of paths, links and open files.
// strace: same
#include "raw_file.h"

#include <linux/xattr.h>

static char big[70000], got[70000], long_name[300];

static int has(const char *list, long length, const char *name)
{
    for (const char *at = list; at < list + length; at += strlen(at) + 1)
        if (!strcmp(at, name))
            return 1;
    return 0;
}

MAIN
{
    int fd = new_file("file"), path = sys(open, "file", O_PATH), reader = sys(open, "file", O_RDONLY);
    long first = sys(setxattr, "file", "user.one", "value", 5, 0);
    if (first == -EOPNOTSUPP)
        return 0; // tmpfs before Linux 6.6
    EQ(first, 0);
    EQ(sys(getxattr, "file", "user.one", got, sizeof got), 5);
    CHECK(!memcmp(got, "value", 5));
    EQ(sys(getxattr, "file", "user.one", NULL, 0), 5);
    EQ(sys(getxattr, "file", "user.one", got, 4), -ERANGE);
    EQ(sys(getxattr, "file", "user.two", got, 4), -ENODATA);
    EQ(sys(setxattr, "file", "user.one", "again", 5, XATTR_CREATE), -EEXIST);
    EQ(sys(setxattr, "file", "user.two", "again", 5, XATTR_REPLACE), -ENODATA);
    EQ(sys(setxattr, "file", "user.one", "longer", 6, XATTR_REPLACE), 0);
    EQ(sys(setxattr, "file", "user.two", "", 0, XATTR_CREATE), 0);
    EQ(sys(setxattr, "file", "user.two", NULL, 0, 0), 0);
    EQ(sys(setxattr, "file", "user.two", BAD_POINTER, 0, 0), 0);
    EQ(sys(getxattr, "file", "user.two", got, sizeof got), 0);
    EQ(sys(fsetxattr, fd, "user.three", "3", 1, 0), 0);
    EQ(sys(fsetxattr, reader, "user.four", "4", 1, 0), 0); // as chmod: no need to have it open for writing
    EQ(sys(fgetxattr, reader, "user.three", got, 100), 1);
    long length = sys(listxattr, "file", got, sizeof got);
    CHECK(has(got, length, "user.one") && has(got, length, "user.two") && has(got, length, "user.three"));
    EQ(sys(flistxattr, fd, NULL, 0), length);
    EQ(sys(flistxattr, fd, got, length - 1), -ERANGE);
    EQ(sys(removexattr, "file", "user.one"), 0);
    EQ(sys(removexattr, "file", "user.one"), -ENODATA);
    EQ(sys(fremovexattr, fd, "user.two"), 0);
    EQ(sys(fgetxattr, fd, "user.two", got, 100), -ENODATA);

    EQ(sys(setxattr, "file", "user.x", "v", 1, 4), -EINVAL);
    EQ(sys(setxattr, "file", "", "v", 1, 0), -ERANGE);
    for (int i = 0; i < 299; i++)
        long_name[i] = i < 5 ? "user."[i] : 'n';
    EQ(sys(setxattr, "file", long_name, "v", 1, 0), -ERANGE);
    EQ(sys(getxattr, "file", long_name, got, 10), -ERANGE);
    EQ(sys(removexattr, "file", long_name), -ERANGE);
    long_name[255] = 0;
    EQ(sys(setxattr, "file", long_name, "v", 1, 0), 0);
    EQ(sys(removexattr, "file", long_name), 0);
    EQ(sys(setxattr, "file", "user.x", big, 65537, 0), -E2BIG);
    EQ(sys(setxattr, "file", "user.x", BAD_POINTER, 65537, 0), -E2BIG);
    EQ(sys(setxattr, "file", "user.x", BAD_POINTER, 1, 0), -EFAULT);
    EQ(sys(setxattr, "file", BAD_POINTER, BAD_POINTER, 1, 0), -EFAULT);
    EQ(sys(setxattr, "file", "noprefix", "v", 1, 0), -EOPNOTSUPP);
    EQ(sys(setxattr, "file", "other.x", "v", 1, 0), -EOPNOTSUPP);
    EQ(sys(getxattr, "file", "other.x", got, 1), -EOPNOTSUPP);
    EQ(sys(removexattr, "file", "other.x"), -EOPNOTSUPP);
    EQ(sys(setxattr, "nowhere", "user.x", "v", 1, 0), -ENOENT);
    EQ(sys(setxattr, "file/x", "user.x", "v", 1, 0), -ENOTDIR);
    EQ(sys(removexattr, "nowhere", "user.x"), -ENOENT);
    EQ(sys(fsetxattr, -1, "user.x", "v", 1, 0), -EBADF);
    EQ(sys(fsetxattr, path, "user.x", "v", 1, 0), -EBADF);
    EQ(sys(fgetxattr, path, "user.x", got, 1), -EBADF);
    EQ(sys(fremovexattr, path, "user.x"), -EBADF);
    EQ(sys(flistxattr, path, got, 1), -EBADF);

    EQ(sys(symlink, "file", "link"), 0);
    EQ(sys(setxattr, "link", "user.by", "link", 4, 0), 0);
    EQ(sys(getxattr, "file", "user.by", got, 100), 4);
    EQ(sys(lsetxattr, "link", "user.x", "v", 1, 0), -EPERM); // links have no attributes of users'
    EQ(sys(lgetxattr, "link", "user.by", got, 100), -ENODATA);
    EQ(sys(lremovexattr, "link", "user.x"), -EPERM);
    EQ(sys(lsetxattr, "file", "user.l", "v", 1, 0), 0);
    EQ(sys(lgetxattr, "file", "user.l", got, 100), 1);
    EQ(sys(lremovexattr, "file", "user.l"), 0);
    EQ(sys(mkdir, "dir", 0755), 0);
    EQ(sys(setxattr, "dir", "user.d", "v", 1, 0), 0);
    EQ(sys(getxattr, "dir/", "user.d", got, 100), 1);
    return 0;
}
