// dup(2), dup2 and dup3: the lowest number, a given one, closed first if it is open; the same number twice is a
// no-op for dup2 and EINVAL for dup3; FD_CLOEXEC is not copied; EBADF.
#include "raw.h"

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    int fd = sys(open, "file", O_RDWR | O_CREAT | O_TRUNC, 0600);
    CHECK(fd >= 0);

    EQ(sys(dup, fd), fd + 1);
    EQ(sys(dup2, fd, 20), 20);
    EQ(sys(dup2, fd, 20), 20);
    EQ(sys(dup2, fd, fd), fd);
    EQ(sys(dup3, fd, fd, 0), -EINVAL);
    EQ(sys(dup3, fd, 21, O_CLOEXEC), 21);
    EQ(sys(fcntl, 21, F_GETFD), FD_CLOEXEC);
    EQ(sys(dup, 21), fd + 2);
    EQ(sys(fcntl, fd + 2, F_GETFD), 0);
    EQ(sys(dup3, fd, 22, O_NONBLOCK), -EINVAL);
    EQ(sys(dup, -1), -EBADF);
    EQ(sys(dup2, -1, 23), -EBADF);
    EQ(sys(dup2, fd, -1), -EBADF);
    EQ(sys(dup2, fd, 1 << 30), -EBADF);                 // over RLIMIT_NOFILE
    EQ(sys(dup2, 999, 999), -EBADF);
    EQ(sys(write, 20, "abc", 3), 3);
    EQ(sys(lseek, fd, 0, 1), 3);                        // one position for all
    EQ(sys(dup2, 1, 20), 20);                           // 20 was open: closed, and standard output now
    EQ(sys(write, 20, "to standard output\n", 19), 19);
    EQ(sys(close, 21), 0);
    EQ(sys(write, fd, "x", 1), 1);
    return 0;
}
