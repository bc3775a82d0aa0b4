// close(2): EBADF for what is not open, also the second time; the others of the same file stay usable; a descriptor
// is an unsigned int.
#include "raw.h"

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    int fd = sys(open, "file", O_RDWR | O_CREAT | O_TRUNC, 0600);
    CHECK(fd >= 0);

    EQ(sys(close, -1), -EBADF);
    EQ(sys(close, 999), -EBADF);
    EQ(sys(close, 0x7fffffff), -EBADF);
    int other = sys(dup, fd);
    EQ(other, fd + 1);
    EQ(sys(close, fd), 0);
    EQ(sys(close, fd), -EBADF);
    EQ(sys(write, fd, "x", 1), -EBADF);
    EQ(sys(write, other, "x", 1), 1);
    EQ(sys(close, 0x500000000L | other), 0);
    EQ(sys(write, other, "x", 1), -EBADF);
    EQ(sys(close, 0), 0);
    EQ(sys(open, "file", O_RDONLY), 0);                 // descriptor 0 is the lowest free one now
    EQ(sys(close, 1), 0);
    EQ(sys(close, 2), 0);
    EQ(sys(close, 0), 0);
    return 0;
}
