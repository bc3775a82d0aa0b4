// sendfile(2): positions, offsets, limits, and the order of its errors.
// strace: same
#include "raw_file.h"

static char text[200000], copy[200000];

MAIN
{
    int file = new_file("file"), target = new_file("target"), ends[2];
    long at = 0;
    for (unsigned i = 0; i < sizeof text; i++)
        text[i] = i % 251 + i / 4096;
    EQ(sys(write, file, text, sizeof text), sizeof text);
    EQ(sys(sendfile, target, file, NULL, 10), 0); // at its end
    EQ(sys(lseek, file, 100, SEEK_SET), 100);
    EQ(sys(sendfile, target, file, NULL, 1000), 1000);
    EQ(sys(lseek, file, 0, SEEK_CUR), 1100);
    EQ(sys(lseek, target, 0, SEEK_CUR), 1000);
    at = 5;
    EQ(sys(sendfile, target, file, &at, 300000), 200000 - 5); // all of it, in one call
    EQ(at, 200000);
    EQ(sys(lseek, file, 0, SEEK_CUR), 1100);
    EQ(sys(pread64, target, copy, sizeof copy, 0), 200000);
    CHECK(!memcmp(copy, text + 100, 1000) && !memcmp(copy + 1000, text + 5, 199000));
    EQ(sys(sendfile, target, file, &at, 1), 0);
    EQ(sys(sendfile, target, file, &at, 0), 0);

    EQ(sys(sendfile, target, file, BAD_POINTER, 1), -EFAULT);
    EQ(sys(sendfile, -1, -1, BAD_POINTER, 1), -EFAULT);
    EQ(sys(sendfile, -1, file, NULL, 1), -EBADF);
    EQ(sys(sendfile, target, -1, NULL, 1), -EBADF);
    at = -1;
    EQ(sys(sendfile, target, file, &at, 1), -EINVAL);
    EQ(sys(sendfile, -1, file, &at, 1), -EINVAL);
    EQ(sys(sendfile, target, file, NULL, -1), -EINVAL);
    EQ(sys(sendfile, -1, file, NULL, -1), -EINVAL);
    at = 0x7fffffffffffffff;
    EQ(sys(sendfile, target, file, &at, 1), -EINVAL);
    at = 0;
    int writer = sys(open, "file", O_WRONLY), reader = sys(open, "file", O_RDONLY), path = sys(open, "file", O_PATH);
    EQ(sys(sendfile, target, writer, NULL, 1), -EBADF);
    EQ(sys(sendfile, reader, file, NULL, 1), -EBADF);
    EQ(sys(sendfile, target, path, NULL, 1), -EBADF);
    int append = sys(open, "target", O_WRONLY | O_APPEND);
    EQ(sys(sendfile, append, file, &at, 1), -EINVAL);
    EQ(sys(pipe2, ends, O_NONBLOCK), 0);
    EQ(sys(sendfile, target, ends[0], &at, 1), -ESPIPE);
    EQ(sys(sendfile, target, ends[0], NULL, 1), -EINVAL);
    int directory = sys(open, ".", O_RDONLY);
    EQ(sys(sendfile, target, directory, NULL, 1), -EINVAL);
    at = 10;
    EQ(sys(sendfile, ends[1], file, &at, 5000), 5000);
    EQ(at, 5010);
    EQ(sys(read, ends[0], copy, 10000), 5000);
    CHECK(!memcmp(copy, text + 10, 5000));
    at = 0;
    EQ(sys(sendfile, ends[1], file, &at, 200000), 65536);
    EQ(sys(sendfile, ends[1], file, &at, 1), -EAGAIN);
    EQ(at, 65536);
    int null = sys(open, "/dev/null", O_WRONLY);
    EQ(sys(sendfile, null, file, &at, 1000), 1000);
    EQ(at, 66536);
    return 0;
}
