// open(2) and openat(2): the lowest free descriptor; O_CREAT, O_EXCL, O_TRUNC, O_DIRECTORY, O_NOFOLLOW, O_PATH,
// O_APPEND as documented; ENOENT, ENOTDIR, EISDIR, EEXIST, ELOOP, ENAMETOOLONG; dirfd counts only for relative
// paths; unknown flags are ignored; the umask is applied.
#include "raw.h"

#include <linux/stat.h>
#include <asm/stat.h>

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    struct stat st;
    EQ(sys(umask, 022) >= 0, 1);
    EQ(sys(open, "file", O_RDONLY), -ENOENT);
    EQ(sys(open, "", O_RDONLY), -ENOENT);
    int fd = sys(open, "file", O_WRONLY | O_CREAT, 0666);
    EQ(fd, 3);
    EQ(sys(write, fd, "12345", 5), 5);
    EQ(sys(open, "file", O_RDONLY), 4);
    EQ(sys(close, 3), 0);
    EQ(sys(open, "file", O_RDONLY), 3);                 // the lowest free one
    EQ(sys(fstat, 3, &st), 0);
    EQ(st.st_mode, S_IFREG | 0644);
    EQ(sys(open, "file", O_RDWR | O_CREAT | O_EXCL, 0666), -EEXIST);
    EQ(sys(open, ".", O_RDWR | O_CREAT | O_EXCL, 0666), -EEXIST);
    EQ(sys(open, ".", O_RDWR), -EISDIR);
    EQ(sys(open, ".", O_RDONLY | O_CREAT, 0666), -EISDIR);
    EQ(sys(open, "new/", O_RDONLY | O_CREAT, 0666), -EISDIR);
    EQ(sys(open, "file/", O_RDONLY), -ENOTDIR);
    EQ(sys(open, "file/x", O_RDONLY), -ENOTDIR);
    EQ(sys(open, "none/x", O_RDONLY), -ENOENT);
    EQ(sys(open, "none/x", O_RDONLY | O_CREAT, 0666), -ENOENT);
    EQ(sys(open, "file", O_RDONLY | O_DIRECTORY), -ENOTDIR);
    EQ(sys(open, "//.//./file", O_RDONLY), -ENOENT);
    EQ(sys(open, ".//./file", O_RDONLY), 5);
    EQ(sys(open, "file", O_RDONLY | 0x40000000), 6);    // an unknown flag
    EQ(sys(close, 5), 0);
    EQ(sys(close, 6), 0);

    int truncating = sys(open, "file", O_WRONLY | O_TRUNC);
    EQ(truncating, 5);
    EQ(sys(fstat, 5, &st), 0);
    EQ(st.st_size, 0);

    EQ(sys(symlink, "file", "link"), 0);
    EQ(sys(symlink, "loop", "loop"), 0);
    EQ(sys(symlink, "nowhere", "dangling"), 0);
    EQ(sys(open, "link", O_RDONLY), 6);
    EQ(sys(open, "link", O_RDONLY | O_NOFOLLOW), -ELOOP);
    EQ(sys(open, "loop", O_RDONLY), -ELOOP);
    EQ(sys(open, "dangling", O_RDONLY), -ENOENT);
    EQ(sys(open, "dangling", O_RDONLY | O_CREAT | O_EXCL, 0600), -EEXIST);
    EQ(sys(open, "dangling", O_RDONLY | O_CREAT, 0600), 7);     // makes what it points to
    EQ(sys(access, "nowhere", 0), 0);
    EQ(sys(open, "link", O_PATH | O_NOFOLLOW), 8);              // the link itself
    EQ(sys(fstat, 8, &st), 0);
    EQ(st.st_mode, S_IFLNK | 0777);

    char name[300];
    memset(name, 'n', 299);
    name[299] = 0;
    EQ(sys(open, name, O_RDONLY), -ENAMETOOLONG);
    name[255] = 0;
    EQ(sys(open, name, O_RDONLY), -ENOENT);

    int directory = sys(open, ".", O_RDONLY | O_DIRECTORY);
    CHECK(directory > 0);
    EQ(sys(openat, directory, "file", O_RDONLY), 10);
    EQ(sys(openat, AT_FDCWD, "file", O_RDONLY), 11);
    EQ(sys(openat, 999, "file", O_RDONLY), -EBADF);
    EQ(sys(openat, 3, "file", O_RDONLY), -ENOTDIR);
    EQ(sys(openat, 999, "/dev/null", O_RDONLY), 12);            // absolute: the descriptor is not looked at
    EQ(sys(openat, 3, "/dev/null", O_RDONLY), 13);
    EQ(sys(openat, 999, "", O_RDONLY), -ENOENT);
    EQ(sys(creat, "created", 0600), 14);
    EQ(sys(read, 14, name, 1), -EBADF);
    EQ(sys(open, "/dev/null", O_RDONLY | O_DIRECTORY), -ENOTDIR);
    return 0;
}
