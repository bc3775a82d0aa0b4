// lseek(2): from the start, the position, the end; past the end is allowed, before the start is EINVAL; SEEK_DATA
// and SEEK_HOLE; ESPIPE for a pipe, EBADF for what is not open.
#include "raw.h"

#include <linux/fs.h>

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    int fd = sys(open, "file", O_RDWR | O_CREAT | O_TRUNC, 0600);
    CHECK(fd >= 0);

    EQ(sys(write, fd, "0123456789", 10), 10);
    EQ(sys(lseek, fd, 0, SEEK_CUR), 10);
    EQ(sys(lseek, fd, 3, SEEK_SET), 3);
    EQ(sys(lseek, fd, -2, SEEK_CUR), 1);
    EQ(sys(lseek, fd, -4, SEEK_END), 6);
    EQ(sys(lseek, fd, 100, SEEK_END), 110);
    EQ(sys(lseek, fd, 1L << 35, SEEK_SET), 1L << 35);
    EQ(sys(lseek, fd, -1, SEEK_SET), -EINVAL);
    EQ(sys(lseek, fd, -11, SEEK_END), -EINVAL);
    EQ(sys(lseek, fd, 0, SEEK_CUR), 1L << 35);          // failures moved nothing
    EQ(sys(lseek, fd, 0, 5), -EINVAL);
    EQ(sys(lseek, fd, 0, -1), -EINVAL);
    EQ(sys(lseek, fd, 5, SEEK_DATA), 5);
    EQ(sys(lseek, fd, 5, SEEK_HOLE), 10);
    EQ(sys(lseek, fd, 10, SEEK_DATA), -ENXIO);
    EQ(sys(lseek, fd, -1, SEEK_DATA), -ENXIO);
    EQ(sys(lseek, -1, 0, SEEK_SET), -EBADF);
    EQ(sys(lseek, -1, 0, 77), -EBADF);
    EQ(sys(lseek, 0, 0, SEEK_SET), -ESPIPE);
    EQ(sys(lseek, 1, 0, SEEK_CUR), -ESPIPE);
    int path_only = sys(open, "file", O_PATH);
    EQ(sys(lseek, path_only, 0, SEEK_SET), -EBADF);
    return 0;
}
