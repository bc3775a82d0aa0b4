// fcntl(2): F_DUPFD from a lowest number, F_DUPFD_CLOEXEC, F_GETFD and F_SETFD by descriptor, F_GETFL and F_SETFL by
// open file, where only some flags can change; EBADF, EINVAL.
#include "raw.h"

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    int fd = sys(open, "file", O_RDWR | O_CREAT | O_TRUNC, 0600);
    CHECK(fd >= 0);

    EQ(sys(fcntl, fd, F_DUPFD, 10), 10);
    EQ(sys(fcntl, fd, F_DUPFD, 10), 11);
    EQ(sys(fcntl, fd, F_DUPFD, 0), fd + 1);
    EQ(sys(fcntl, fd, F_DUPFD_CLOEXEC, 20), 20);
    EQ(sys(fcntl, 20, F_GETFD), FD_CLOEXEC);
    EQ(sys(fcntl, fd, F_GETFD), 0);
    EQ(sys(fcntl, fd, F_DUPFD, -1), -EINVAL);
    EQ(sys(fcntl, fd, F_DUPFD, 1 << 30), -EINVAL);      // over RLIMIT_NOFILE

    EQ(sys(fcntl, fd, F_SETFD, FD_CLOEXEC), 0);
    EQ(sys(fcntl, fd, F_GETFD), FD_CLOEXEC);
    EQ(sys(fcntl, 10, F_GETFD), 0);                     // another descriptor of the same file
    EQ(sys(fcntl, fd, F_SETFD, 0xfffffffe), 0);
    EQ(sys(fcntl, fd, F_GETFD), 0);

    EQ(sys(fcntl, fd, F_GETFL), O_RDWR | O_LARGEFILE);
    EQ(sys(fcntl, fd, F_SETFL, O_APPEND | O_NONBLOCK | O_CREAT | O_WRONLY), 0);
    EQ(sys(fcntl, fd, F_GETFL), O_RDWR | O_LARGEFILE | O_APPEND | O_NONBLOCK);
    EQ(sys(fcntl, 10, F_GETFL), O_RDWR | O_LARGEFILE | O_APPEND | O_NONBLOCK);
    EQ(sys(write, fd, "abc", 3), 3);
    EQ(sys(lseek, fd, 0, 0), 0);
    EQ(sys(write, 10, "d", 1), 1);                      // appended: the flag is the file's
    EQ(sys(lseek, fd, 0, 2), 4);
    EQ(sys(fcntl, fd, F_SETFL, 0), 0);
    EQ(sys(fcntl, fd, F_GETFL), O_RDWR | O_LARGEFILE);
    int write_only = sys(open, "file", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_APPEND, 0600);
    EQ(sys(fcntl, write_only, F_GETFL), O_WRONLY | O_LARGEFILE | O_APPEND);     // creation flags do not stay
    EQ(sys(fcntl, write_only, F_GETFD), FD_CLOEXEC);
    int directory = sys(open, ".", O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    EQ(sys(fcntl, directory, F_GETFL), O_RDONLY | O_LARGEFILE | O_DIRECTORY | O_NOFOLLOW);
    int path_only = sys(open, "file", O_PATH);
    EQ(sys(fcntl, path_only, F_GETFL), O_PATH);
    EQ(sys(fcntl, path_only, F_SETFL, O_APPEND), -EBADF);
    EQ(sys(fcntl, path_only, F_GETFD), 0);

    EQ(sys(fcntl, -1, F_GETFD), -EBADF);
    EQ(sys(fcntl, 999, 12345), -EBADF);
    EQ(sys(fcntl, fd, 12345), -EINVAL);
    return 0;
}
