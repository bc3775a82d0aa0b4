// fcntl(2): what F_SETFL changes of which file, hints of lifetime, duplicates, and commands that there are not.
// strace: same
#include "raw_file.h"

#include <asm/ioctls.h>

#define SETTABLE (O_APPEND | O_NONBLOCK | O_DIRECT | O_NOATIME)
#define LARGE 0100000

MAIN
{
    int file = new_file("file"), ends[2], pair[2], event = sys(eventfd2, 0, 0), memory = sys(memfd_create, "m", 0);
    int null = sys(open, "/dev/null", O_RDWR), directory = sys(open, ".", O_RDONLY);
    EQ(sys(pipe2, ends, 0), 0);
    EQ(sys(socketpair, 1, 1, 0, pair), 0);

    EQ(sys(fcntl, file, F_SETFL, -1), 0); // all that can be
    EQ(sys(fcntl, file, F_GETFL, 0), O_RDWR | LARGE | SETTABLE);
    EQ(sys(fcntl, file, F_SETFL, O_WRONLY | O_CREAT | O_EXCL | O_TRUNC | O_CLOEXEC | O_SYNC), 0);
    EQ(sys(fcntl, file, F_GETFL, 0), O_RDWR | LARGE);
    EQ(size_of(file), 0);
    EQ(sys(write, file, "abc", 3), 3);
    sys(lseek, file, 0, SEEK_SET);
    EQ(sys(fcntl, file, F_SETFL, O_APPEND), 0);
    EQ(sys(write, file, "d", 1), 1);
    EQ(size_of(file), 4);
    EQ(sys(fcntl, event, F_SETFL, O_DIRECT), -EINVAL);
    EQ(sys(fcntl, pair[0], F_SETFL, O_DIRECT), -EINVAL);
    EQ(sys(fcntl, null, F_SETFL, O_DIRECT), -EINVAL);
    EQ(sys(fcntl, directory, F_SETFL, O_DIRECT), -EINVAL);
    EQ(sys(fcntl, ends[0], F_SETFL, O_DIRECT), 0);
    EQ(sys(fcntl, ends[0], F_GETFL, 0), O_DIRECT);
    EQ(sys(fcntl, event, F_SETFL, O_NONBLOCK | O_APPEND | O_NOATIME), 0);
    EQ(sys(fcntl, event, F_GETFL, 0), O_RDWR | O_NONBLOCK | O_APPEND | O_NOATIME);
    EQ(sys(fcntl, -1, F_SETFL, 0), -EBADF);

    unsigned long hint = 77;
    EQ(sys(fcntl, file, F_GET_RW_HINT, &hint), 0);
    EQ(hint, 0);
    hint = 2;
    EQ(sys(fcntl, file, F_SET_RW_HINT, &hint), 0);
    int again = sys(open, "file", O_RDONLY);
    hint = 0;
    EQ(sys(fcntl, again, F_GET_RW_HINT, &hint), 0);
    EQ(hint, 2);
    hint = 6;
    EQ(sys(fcntl, file, F_SET_RW_HINT, &hint), -EINVAL);
    EQ(sys(fcntl, file, F_SET_RW_HINT, BAD_POINTER), -EFAULT);
    EQ(sys(fcntl, file, F_GET_RW_HINT, BAD_POINTER), -EFAULT);
    EQ(sys(fcntl, file, F_SET_FILE_RW_HINT, &hint), -EINVAL); // gone since 5.18
    EQ(sys(fcntl, file, F_GET_FILE_RW_HINT, &hint), -EINVAL);

    EQ(sys(fcntl, file, F_DUPFD, 100), 100);
    EQ(sys(fcntl, file, F_DUPFD_CLOEXEC, 100), 101);
    EQ(sys(fcntl, 101, F_GETFD, 0), FD_CLOEXEC);
    EQ(sys(fcntl, 100, F_GETFD, 0), 0);
    EQ(sys(fcntl, file, F_DUPFD, -1), -EINVAL);
    EQ(sys(fcntl, file, F_DUPFD, 0x40000000), -EINVAL);
    EQ(sys(fcntl, 100, F_SETFD, -1), 0);
    EQ(sys(fcntl, 100, F_GETFD, 0), FD_CLOEXEC);
    EQ(sys(fcntl, 100, F_SETFD, 2), 0);
    EQ(sys(fcntl, 100, F_GETFD, 0), 0);
    EQ(sys(fcntl, file, F_GETLEASE, 0), F_UNLCK);
    EQ(sys(fcntl, file, F_GETPIPE_SZ, 0), -EBADF);
    EQ(sys(fcntl, file, F_SETPIPE_SZ, 4096), -EBADF);
    EQ(sys(fcntl, event, F_GETPIPE_SZ, 0), -EBADF);
    EQ(sys(fcntl, file, F_GET_SEALS, 0), -EINVAL);
    EQ(sys(fcntl, event, F_GET_SEALS, 0), -EINVAL);
    EQ(sys(fcntl, file, F_ADD_SEALS, 1), -EINVAL);
    EQ(sys(fcntl, memory, F_GET_SEALS, 0), 1); // F_SEAL_SEAL
    EQ(sys(fcntl, memory, F_ADD_SEALS, 2), -EPERM);
    EQ(sys(fcntl, file, 1000, 0), -EINVAL);
    EQ(sys(fcntl, file, F_CANCELLK, 0), -EINVAL);
    int path = sys(open, "file", O_PATH);
    EQ(sys(fcntl, path, F_GETFL, 0), O_PATH);
    EQ(sys(fcntl, path, F_SETFL, 0), -EBADF);
    EQ(sys(fcntl, path, F_GET_RW_HINT, &hint), -EBADF);
    EQ(sys(fcntl, path, 1000, 0), -EBADF);
    EQ(sys(fcntl, path, F_GETPIPE_SZ, 0), -EBADF);
    EQ(sys(fcntl, path, F_SETFD, FD_CLOEXEC), 0);
    EQ(sys(fcntl, path, F_DUPFD, 50), 50);

    // Whoever has read all the kernel's words knows how much there is to read
    int n = -1;
    sys(lseek, file, 1, SEEK_SET);
    EQ(sys(ioctl, file, FIONREAD, &n), 0);
    EQ(n, 3);
    sys(lseek, file, 10, SEEK_SET);
    EQ(sys(ioctl, file, FIONREAD, &n), 0);
    EQ(n, -6);
    EQ(sys(write, memory, "12345", 5), 5);
    sys(lseek, memory, 2, SEEK_SET);
    EQ(sys(ioctl, memory, FIONREAD, &n), 0);
    EQ(n, 3);
    EQ(sys(write, pair[0], "12345", 5), 5);
    EQ(sys(ioctl, pair[1], FIONREAD, &n), 0);
    EQ(n, 5);
    EQ(sys(ioctl, event, FIONREAD, &n), -ENOTTY);
    EQ(sys(ioctl, null, FIONREAD, &n), -ENOTTY);
    EQ(sys(ioctl, directory, FIONREAD, &n), -ENOTTY);
    EQ(sys(ioctl, file, FIONREAD, BAD_POINTER), -EFAULT);
    EQ(sys(ioctl, path, FIONREAD, &n), -EBADF);
    EQ(sys(ioctl, memory, FIGETBSZ, &n), 0);
    EQ(n, 4096);
    EQ(sys(ioctl, file, FIOCLEX, 0), 0);
    EQ(sys(fcntl, file, F_GETFD, 0), FD_CLOEXEC);
    EQ(sys(ioctl, file, FIONCLEX, 0), 0);
    EQ(sys(fcntl, file, F_GETFD, 0), 0);
    EQ(sys(ioctl, path, FIOCLEX, 0), -EBADF);
    n = 1;
    EQ(sys(ioctl, event, FIONBIO, &n), 0);
    EQ(sys(fcntl, event, F_GETFL, 0) & O_NONBLOCK, O_NONBLOCK);
    n = 0;
    EQ(sys(ioctl, event, FIONBIO, &n), 0);
    EQ(sys(fcntl, event, F_GETFL, 0) & O_NONBLOCK, 0);
    EQ(sys(ioctl, event, FIONBIO, BAD_POINTER), -EFAULT);
    return 0;
}
