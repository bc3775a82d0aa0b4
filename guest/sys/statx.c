// statx(2): the basic fields equal stat's; stx_mask tells what was filled in; AT_EMPTY_PATH and AT_SYMLINK_NOFOLLOW;
// EINVAL for unknown flags, both sync flags at once, and the reserved mask bit.
#include "raw.h"

#include <asm/stat.h>
#include <linux/stat.h>

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    struct statx sx;
    struct stat st;
    int fd = sys(open, "file", O_RDWR | O_CREAT | O_TRUNC, 0600);
    CHECK(fd >= 0);
    EQ(sys(write, fd, "12345", 5), 5);
    EQ(sys(stat, "file", &st), 0);
    EQ(sys(statx, AT_FDCWD, "file", 0, STATX_BASIC_STATS, &sx), 0);
    EQ(sx.stx_mask & STATX_BASIC_STATS, STATX_BASIC_STATS);
    EQ(sx.stx_mode, st.st_mode);
    EQ(sx.stx_size, 5);
    EQ(sx.stx_nlink, 1);
    EQ(sx.stx_uid, st.st_uid);
    EQ(sx.stx_gid, st.st_gid);
    EQ(sx.stx_ino, st.st_ino);
    EQ(sx.stx_blocks, st.st_blocks);
    EQ(sx.stx_blksize, st.st_blksize);
    EQ(sx.stx_mtime.tv_sec, st.st_mtime);
    EQ(sx.stx_mtime.tv_nsec, st.st_mtime_nsec);
    EQ(sx.stx_ctime.tv_sec, st.st_ctime);
    EQ(sx.stx_mtime.__reserved, 0);
    EQ((sx.stx_dev_major & 0xfff) << 8 | (sx.stx_dev_minor & 0xff), st.st_dev & 0xfffff);

    EQ(sys(statx, fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &sx), 0);
    EQ(sx.stx_ino, st.st_ino);
    EQ(sys(statx, fd, "", 0, STATX_BASIC_STATS, &sx), -ENOENT);
    EQ(sys(symlink, "file", "link"), 0);
    EQ(sys(statx, AT_FDCWD, "link", AT_SYMLINK_NOFOLLOW, STATX_TYPE, &sx), 0);
    EQ(sx.stx_mode & S_IFMT, S_IFLNK);
    EQ(sys(statx, AT_FDCWD, "link", AT_NO_AUTOMOUNT, 0, &sx), 0);
    EQ(sx.stx_mode & S_IFMT, S_IFREG);
    EQ(sys(statx, AT_FDCWD, "file", AT_STATX_FORCE_SYNC, 0, &sx), 0);
    EQ(sys(statx, AT_FDCWD, "file", AT_STATX_DONT_SYNC, 0, &sx), 0);

    EQ(sys(statx, AT_FDCWD, "file", AT_STATX_DONT_SYNC | AT_STATX_FORCE_SYNC, 0, &sx), -EINVAL);
    EQ(sys(statx, AT_FDCWD, "file", 1 << 20, 0, &sx), -EINVAL);
    EQ(sys(statx, AT_FDCWD, "file", 0, STATX__RESERVED, &sx), -EINVAL);
    EQ(sys(statx, AT_FDCWD, "none", 0, 0, &sx), -ENOENT);
    EQ(sys(statx, -1, "file", 0, 0, &sx), -EBADF);
    EQ(sys(statx, AT_FDCWD, "file", 0, 0, BAD_POINTER), -EFAULT);
    EQ(sys(statx, AT_FDCWD, BAD_POINTER, 0, 0, &sx), -EFAULT);
    return 0;
}
