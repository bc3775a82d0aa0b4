// pread64(2) and pwrite64(2) leave the position alone; a negative offset is EINVAL; with O_APPEND Linux's pwrite64
// appends (BUGS in pwrite(2)); ESPIPE for what has no position.
#include "raw.h"

#include <linux/fs.h>

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    int fd = sys(open, "file", O_RDWR | O_CREAT | O_TRUNC, 0600);
    CHECK(fd >= 0);

    char back[16];
    EQ(sys(pwrite64, fd, "abcdef", 6, 0), 6);
    EQ(sys(lseek, fd, 0, SEEK_CUR), 0);
    EQ(sys(pread64, fd, back, 3, 2), 3);
    EQ(memcmp(back, "cde", 3), 0);
    EQ(sys(pread64, fd, back, 10, 4), 2);
    EQ(sys(pread64, fd, back, 10, 6), 0);
    EQ(sys(pread64, fd, back, 10, 1L << 40), 0);
    EQ(sys(lseek, fd, 0, SEEK_CUR), 0);
    EQ(sys(pwrite64, fd, "z", 1, 8), 1);
    EQ(sys(pread64, fd, back, 16, 0), 9);
    EQ(memcmp(back, "abcdef\0\0z", 9), 0);

    EQ(sys(pread64, fd, back, 1, -1L), -EINVAL);
    EQ(sys(pwrite64, fd, back, 1, -1L), -EINVAL);
    EQ(sys(pread64, -1, back, 1, -1L), -EINVAL);        // before the descriptor is looked at
    EQ(sys(pread64, -1, back, 1, 0), -EBADF);
    EQ(sys(pread64, fd, back, 10, 0x7fffffffffffffff), -EINVAL);    // offset plus count overflows
    int append = sys(open, "file", O_RDWR | O_APPEND);
    EQ(sys(pwrite64, append, "A", 1, 0), 1);
    EQ(sys(pread64, fd, back, 16, 0), 10);
    EQ(back[0], 'a');
    EQ(back[9], 'A');
    EQ(sys(pread64, 0, back, 1, 0), -ESPIPE);           // standard input and output are pipes here
    EQ(sys(pwrite64, 1, back, 1, 0), -ESPIPE);
    return 0;
}
