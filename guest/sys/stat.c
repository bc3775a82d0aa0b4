// stat(2), lstat, fstat and newfstatat: type and mode, size, link count, owner, 512-byte blocks, times in whole
// seconds and nanoseconds; lstat shows a link itself; AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW; errors.
#include "raw.h"

#include <asm/stat.h>
#include <linux/stat.h>

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    struct stat st, other;
    memset(&st, 0xff, sizeof st);
    int fd = sys(open, "file", O_RDWR | O_CREAT | O_TRUNC, 0600);
    CHECK(fd >= 0);
    EQ(sys(write, fd, "12345", 5), 5);
    EQ(sys(fchmod, fd, 0640), 0);
    EQ(sys(stat, "file", &st), 0);
    EQ(st.st_mode, S_IFREG | 0640);
    EQ(st.st_size, 5);
    EQ(st.st_nlink, 1);
    EQ(st.st_uid, sys(getuid));
    EQ(st.st_gid, sys(getgid));
    CHECK(st.st_ino != 0);
    CHECK(st.st_blksize >= 512);
    EQ(st.__pad0, 0);                                   // nothing of the kernel's shows in the padding
    EQ(st.__unused[0] | st.__unused[1] | st.__unused[2], 0);
    CHECK(st.st_mtime > 1500000000);
    CHECK(st.st_mtime_nsec < 1000000000);
    EQ(sys(fstat, fd, &other), 0);
    EQ(memcmp(&st, &other, sizeof st), 0);
    EQ(sys(newfstatat, AT_FDCWD, "file", &other, 0), 0);
    EQ(memcmp(&st, &other, sizeof st), 0);
    EQ(sys(newfstatat, fd, "", &other, AT_EMPTY_PATH), 0);
    EQ(memcmp(&st, &other, sizeof st), 0);
    EQ(sys(newfstatat, fd, "", &other, 0), -ENOENT);
    EQ(sys(newfstatat, fd, "x", &other, 0), -ENOTDIR);
    EQ(sys(newfstatat, -1, "", &other, AT_EMPTY_PATH), -EBADF);
    EQ(sys(newfstatat, -1, "file", &other, 0), -EBADF);
    EQ(sys(newfstatat, AT_FDCWD, "file", &other, 0x8000), -EINVAL);
    EQ(sys(newfstatat, AT_FDCWD, "", &other, AT_EMPTY_PATH), 0);        // the working directory
    EQ(other.st_mode & S_IFMT, S_IFDIR);
    EQ(sys(link, "file", "second"), 0);
    EQ(sys(stat, "second", &other), 0);
    EQ(other.st_ino, st.st_ino);
    EQ(other.st_dev, st.st_dev);
    EQ(other.st_nlink, 2);

    EQ(sys(symlink, "file", "link"), 0);
    EQ(sys(stat, "link", &other), 0);
    EQ(other.st_ino, st.st_ino);
    EQ(sys(lstat, "link", &other), 0);
    EQ(other.st_mode, S_IFLNK | 0777);
    EQ(other.st_size, 4);
    EQ(sys(newfstatat, AT_FDCWD, "link", &other, AT_SYMLINK_NOFOLLOW), 0);
    EQ(other.st_mode, S_IFLNK | 0777);
    EQ(sys(stat, ".", &other), 0);
    EQ(other.st_mode & S_IFMT, S_IFDIR);
    EQ(sys(stat, "/dev/null", &other), 0);
    EQ(other.st_mode & S_IFMT, S_IFCHR);
    EQ(other.st_rdev, 1 << 8 | 3);
    EQ(sys(fstat, 1, &other), 0);
    EQ(other.st_mode & S_IFMT, S_IFIFO);

    EQ(sys(stat, "none", &st), -ENOENT);
    EQ(sys(stat, "", &st), -ENOENT);
    EQ(sys(stat, "file/x", &st), -ENOTDIR);
    EQ(sys(stat, "file", BAD_POINTER), -EFAULT);
    EQ(sys(stat, "none", BAD_POINTER), -ENOENT);
    EQ(sys(stat, NULL, &st), -EFAULT);
    EQ(sys(fstat, -1, BAD_POINTER), -EBADF);
    EQ(sys(fstat, fd, KERNEL_POINTER), -EFAULT);
    return 0;
}
