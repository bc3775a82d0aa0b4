// readv(2) and writev(2): the vectors in order, empty ones skipped; a count of 0 is 0, over IOV_MAX (1024) or
// negative is EINVAL, as is a length over SSIZE_MAX; a sum over MAX_RW_COUNT is cut, not refused. preadv and pwritev
// at an offset.
#include "raw.h"

#include <linux/fs.h>
#include <linux/uio.h>

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    int fd = sys(open, "file", O_RDWR | O_CREAT | O_TRUNC, 0600);
    CHECK(fd >= 0);

    char a[4] = "....", b[4] = "....", c[4] = "....";
    struct iovec out[4] = {{"ab", 2}, {NULL, 0}, {"cdef", 4}, {"g", 1}};
    EQ(sys(writev, fd, out, 4), 7);
    EQ(sys(lseek, fd, 0, SEEK_CUR), 7);
    EQ(sys(lseek, fd, 0, SEEK_SET), 0);
    struct iovec in[3] = {{a, 3}, {b, 2}, {c, 4}};
    EQ(sys(readv, fd, in, 3), 7);
    EQ(memcmp(a, "abc.", 4), 0);
    EQ(memcmp(b, "de..", 4), 0);
    EQ(memcmp(c, "fg..", 4), 0);

    EQ(sys(readv, fd, in, 0), 0);
    EQ(sys(readv, fd, BAD_POINTER, 0), 0);
    static struct iovec many[1024];
    for (int i = 0; i < 1024; i++)
        many[i] = (struct iovec){"m", 1};
    EQ(sys(writev, fd, many, -1), -EINVAL);
    EQ(sys(writev, fd, many, 1025), -EINVAL);
    EQ(sys(readv, fd, BAD_POINTER, 1025), -EINVAL);
    EQ(sys(readv, fd, BAD_POINTER, 2), -EFAULT);
    EQ(sys(readv, -1, BAD_POINTER, 2), -EBADF);
    struct iovec negative[2] = {{a, 1}, {b, -1L}};
    EQ(sys(readv, fd, negative, 2), -EINVAL);
    EQ(sys(lseek, fd, 0, SEEK_CUR), 7);
    struct iovec huge[2] = {{"x", 1}, {"y", 0x7ffffffffffffffe}};
    EQ(sys(writev, fd, huge, 1), 1);
    EQ(sys(writev, fd, many, 1024), 1024);

    EQ(sys(preadv, fd, in, 2, 1, 0), 5);
    EQ(memcmp(a, "bcd.", 4), 0);
    EQ(memcmp(b, "ef..", 4), 0);
    EQ(sys(pwritev, fd, out, 1, 3, 0), 2);
    EQ(sys(preadv, fd, in, 2, 1, 0), 5);
    EQ(memcmp(a, "bca.", 4), 0);
    EQ(sys(preadv, fd, in, 2, -1L, 0), -EINVAL);
    int read_only = sys(open, "file", O_RDONLY), write_only = sys(open, "file", O_WRONLY);
    EQ(sys(writev, read_only, out, 1), -EBADF);
    EQ(sys(readv, write_only, in, 1), -EBADF);
    return 0;
}
