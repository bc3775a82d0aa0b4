// read(2): the count read, 0 at the end; EBADF for descriptors not open or not for reading, EISDIR for a directory;
// the position moves by what was read.
#include "raw.h"

#include <linux/fs.h>

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    int fd = sys(open, "file", O_RDWR | O_CREAT | O_TRUNC, 0600);
    CHECK(fd >= 0);

    static char back[16]; // low in the address space
    EQ(sys(write, fd, "0123456789", 10), 10);
    EQ(sys(read, fd, back, 16), 0);
    EQ(sys(lseek, fd, 4, SEEK_SET), 4);
    memset(back, '.', 16);
    EQ(sys(read, fd, back, 16), 6);
    EQ(memcmp(back, "456789..........", 16), 0);        // no more than was read is stored
    EQ(sys(lseek, fd, 0, SEEK_CUR), 10);
    EQ(sys(lseek, fd, 100, SEEK_SET), 100);
    EQ(sys(read, fd, back, 16), 0);
    EQ(sys(lseek, fd, 0, SEEK_SET), 0);
    EQ(sys(read, fd, back, 0), 0);

    // Two descriptors of one open file share its position; two opens do not.
    int same = sys(dup, fd), other = sys(open, "file", O_RDONLY);
    EQ(sys(read, fd, back, 3), 3);
    EQ(sys(read, same, back, 1), 1);
    EQ(back[0], '3');
    EQ(sys(read, other, back, 1), 1);
    EQ(back[0], '0');

    int directory = sys(open, ".", O_RDONLY);
    int write_only = sys(open, "file", O_WRONLY);
    int path_only = sys(open, "file", O_PATH);
    EQ(sys(read, directory, back, 1), -EISDIR);
    EQ(sys(read, write_only, back, 1), -EBADF);
    EQ(sys(read, path_only, back, 1), -EBADF);
    EQ(sys(read, -1, back, 1), -EBADF);
    EQ(sys(read, 999, BAD_POINTER, 1), -EBADF);
    EQ(sys(read, fd, back, -1L), -EFAULT);              // runs out of the user's half: before the count is looked at
    EQ(sys(read, fd, back, 1L << 63), -EFAULT);
    EQ(sys(lseek, fd, 0, SEEK_SET), 0);
    EQ(sys(read, fd, back, 1L << 46), 10);              // a count that could be is cut to MAX_RW_COUNT, not refused

    int null = sys(open, "/dev/null", O_RDWR), zero = sys(open, "/dev/zero", O_RDWR);
    EQ(sys(read, null, back, 16), 0);
    memset(back, 1, 16);
    EQ(sys(read, zero, back, 15), 15);
    EQ(back[14], 0);
    EQ(back[15], 1);
    EQ(sys(read, 0, back, 16), 0);                      // standard input is empty here
    return 0;
}
