// A FIFO on a tmpfs (fifo(7)): opens wait for each other, O_NONBLOCK does not, end of file and SIGPIPE come with the
// last other end, and what nobody has read is lost with the last end.
#include "raw_file.h"

#include <asm/stat.h>
#include <linux/poll.h>

static char path[64] = "/dev/shm/pyuk-fifo-", text[16];

static int revents(int fd)
{
    struct pollfd poll = {fd, 0x7fff, 0};
    sys(poll, &poll, 1, 0);
    return poll.revents;
}

MAIN
{
    char digits[32], *start = print_number(digits + 31, sys(getpid), 10);
    digits[31] = 0;
    memcpy(path + strlen(path), start, strlen(start) + 1);
    EQ(sys(mknod, path, 0010644, 0), 0);
    struct stat st;
    EQ(sys(stat, path, &st), 0);
    EQ(st.st_mode, 0010644 & ~022);
    EQ(sys(open, path, O_WRONLY | O_NONBLOCK), -ENXIO);

    int reader = sys(open, path, O_RDONLY | O_NONBLOCK);
    CHECK(reader >= 0);
    EQ(sys(read, reader, text, 5), 0);
    EQ(revents(reader), 0);                             // no writer has come yet
    int writer = sys(open, path, O_WRONLY | O_NONBLOCK);
    CHECK(writer >= 0);
    EQ(sys(read, reader, text, 5), -EAGAIN);
    EQ(sys(write, writer, "hello", 5), 5);
    EQ(revents(reader), POLLIN | POLLRDNORM);
    EQ(sys(fstat, reader, &st), 0);
    EQ(st.st_size, 0);
    EQ(sys(close, writer), 0);
    EQ(revents(reader), POLLIN | POLLRDNORM | POLLHUP);
    EQ(sys(read, reader, text, 15), 5);
    EQ(sys(read, reader, text, 15), 0);
    EQ(revents(reader), POLLHUP);
    EQ(sys(lseek, reader, 0, 0), -ESPIPE);
    EQ(sys(ftruncate, reader, 0), -EINVAL);
    EQ(sys(fallocate, reader, 0, 0, 1), -EBADF);

    writer = sys(open, path, O_WRONLY);
    EQ(sys(fallocate, writer, 0, 0, 1), -ESPIPE);
    EQ(sys(write, writer, "lost", 4), 4);
    EQ(sys(close, reader), 0);
    EQ(revents(writer), POLLOUT | POLLWRNORM | POLLERR);
    EQ(sys(close, writer), 0);
    reader = sys(open, path, O_RDONLY | O_NONBLOCK);
    EQ(sys(read, reader, text, 15), 0);
    EQ(sys(close, reader), 0);

    long pid = IN_CHILD({
        int fd = sys(open, path, O_WRONLY);             // waits for the parent
        CHECK(fd >= 0);
        EQ(sys(write, fd, "from the child", 14), 14);
    });
    reader = sys(open, path, O_RDONLY);                 // waits for the child
    CHECK(reader >= 0);
    EQ(sys(read, reader, text, 15), 14);
    EQ(sys(read, reader, text, 15), 0);
    EQ(sys(wait4, pid, 0, 0, 0), pid);
    EQ(sys(close, reader), 0);

    int status = 0;
    pid = IN_CHILD({
        int fd = sys(open, path, O_WRONLY);
        int own = sys(open, path, O_RDONLY | O_NONBLOCK);
        EQ(sys(read, own, text, 1), -EAGAIN);
        sys(write, fd, "x", 1);
        sys(close, own);
        for (;; nap(1))
            sys(write, fd, "x", 1);                     // until nobody reads: SIGPIPE
    });
    reader = sys(open, path, O_RDONLY);
    EQ(sys(close, reader), 0);
    EQ(sys(wait4, pid, &status, 0, 0), pid);
    EQ(status, 13);

    int both = sys(open, path, O_RDWR);
    EQ(sys(write, both, "abc", 3), 3);
    EQ(sys(read, both, text, 3), 3);
    EQ(sys(close, both), 0);
    EQ(sys(unlink, path), 0);
    return 0;
}
