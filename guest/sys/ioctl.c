// ioctl(2) as programs use it to ask what a descriptor is: ENOTTY for terminal requests on files, pipes and
// /dev/null; FIONREAD tells what a file or pipe still has; FIOCLEX and FIONBIO act on every file; EBADF and EFAULT.
#include "raw.h"

#include <asm/ioctls.h>

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    int fd = sys(open, "file", O_RDWR | O_CREAT | O_TRUNC, 0600);
    CHECK(fd >= 0);

    unsigned char terminal[64];
    int n = -1, on = 1, off = 0;
    EQ(sys(write, fd, "0123456789", 10), 10);
    EQ(sys(ioctl, fd, TCGETS, terminal), -ENOTTY);
    EQ(sys(ioctl, fd, TIOCGWINSZ, terminal), -ENOTTY);
    EQ(sys(ioctl, 1, TCGETS, terminal), -ENOTTY);
    EQ(sys(ioctl, 1, TIOCGWINSZ, BAD_POINTER), -ENOTTY);
    int null = sys(open, "/dev/null", O_RDWR);
    EQ(sys(ioctl, null, TCGETS, terminal), -ENOTTY);
    EQ(sys(ioctl, -1, TCGETS, terminal), -EBADF);
    EQ(sys(ioctl, 999, 0x12345678, 0), -EBADF);
    EQ(sys(ioctl, fd, 0x12345678, 0), -ENOTTY);

    EQ(sys(ioctl, fd, FIONREAD, &n), 0);
    EQ(n, 0);
    EQ(sys(lseek, fd, 3, 0), 3);
    EQ(sys(ioctl, fd, FIONREAD, &n), 0);
    EQ(n, 7);
    EQ(sys(ioctl, fd, FIONREAD, BAD_POINTER), -EFAULT);
    EQ(sys(ioctl, 0, FIONREAD, &n), 0);                 // an empty pipe
    EQ(n, 0);

    EQ(sys(ioctl, fd, FIOCLEX, 0), 0);
    EQ(sys(fcntl, fd, F_GETFD), FD_CLOEXEC);
    EQ(sys(ioctl, fd, FIONCLEX, 0), 0);
    EQ(sys(fcntl, fd, F_GETFD), 0);
    EQ(sys(ioctl, fd, FIONBIO, &on), 0);
    EQ(sys(fcntl, fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
    EQ(sys(ioctl, fd, FIONBIO, &off), 0);
    EQ(sys(fcntl, fd, F_GETFL) & O_NONBLOCK, 0);
    EQ(sys(ioctl, fd, FIONBIO, BAD_POINTER), -EFAULT);
    int path_only = sys(open, "file", O_PATH);
    EQ(sys(ioctl, path_only, FIONREAD, &n), -EBADF);
    return 0;
}
