// splice(2): pipe to file, file to pipe, pipe to pipe; offsets, whose errors come first, what is left when it is not all.
// strace: same
#include "raw_file.h"

#define SPLICE_F_MOVE 1
#define SPLICE_F_NONBLOCK 2
#define SPLICE_F_MORE 4
#define SPLICE_F_GIFT 8
#define NB SPLICE_F_NONBLOCK

static char text[200000], copy[200000];

static long content(int fd)
{
    int n = -1;
    EQ(sys(ioctl, fd, 0x541b, &n), 0); // FIONREAD
    return n;
}

static void arguments(int file, int *in, int *out)
{
    long at = 0;
    EQ(sys(splice, in[0], NULL, out[1], NULL, 0, 0), 0);
    EQ(sys(splice, -1, NULL, -1, NULL, 0, 64), 0); // no bytes: nothing is looked at
    EQ(sys(splice, in[0], NULL, out[1], NULL, 1, 16), -EINVAL);
    EQ(sys(splice, -1, NULL, out[1], NULL, 1, 16), -EINVAL);
    EQ(sys(splice, -1, NULL, out[1], NULL, 1, 0), -EBADF);
    EQ(sys(splice, in[0], NULL, -1, NULL, 1, 0), -EBADF);
    EQ(sys(splice, in[1], NULL, out[1], NULL, 1, 0), -EBADF); // not open for reading
    EQ(sys(splice, in[0], NULL, out[0], NULL, 1, 0), -EBADF);
    EQ(sys(splice, in[0], &at, out[1], NULL, 1, 0), -ESPIPE);
    EQ(sys(splice, in[0], NULL, out[1], &at, 1, 0), -ESPIPE);
    EQ(sys(splice, in[0], BAD_POINTER, out[1], NULL, 1, 0), -ESPIPE);
    EQ(sys(splice, in[0], NULL, in[1], NULL, 1, 0), -EINVAL); // to itself
    EQ(sys(splice, file, NULL, file, NULL, 1, 0), -EINVAL);   // no pipe
    EQ(sys(splice, file, BAD_POINTER, out[1], NULL, 1, 0), -EFAULT);
    EQ(sys(splice, file, NULL, out[1], BAD_POINTER, 1, 0), -ESPIPE);
    EQ(sys(splice, in[0], NULL, out[1], NULL, 1, NB), -EAGAIN);
    EQ(sys(splice, in[0], NULL, file, NULL, 1, NB), -EAGAIN);
    at = -1;
    EQ(sys(splice, file, &at, out[1], NULL, 1, 0), -EINVAL);
    EQ(sys(splice, in[0], NULL, file, &at, 1, 0), -EINVAL);
    EQ(at, -1);
    int append = sys(open, "file", O_WRONLY | O_APPEND), directory = sys(open, ".", O_RDONLY);
    int path = sys(open, "file", O_PATH), null = sys(open, "/dev/null", O_RDWR);
    EQ(sys(write, in[1], "x", 1), 1);
    EQ(sys(splice, in[0], NULL, append, NULL, 1, 0), -EINVAL);
    EQ(sys(splice, in[0], NULL, path, NULL, 1, 0), -EBADF);
    EQ(sys(splice, directory, NULL, out[1], NULL, 1, 0), -EINVAL);
    EQ(sys(splice, in[0], NULL, null, NULL, 5, 0), 1);
    int event = sys(eventfd2, 1, 0);
    EQ(sys(splice, in[0], NULL, event, NULL, 8, NB), -EINVAL);
    sys(close, append), sys(close, directory), sys(close, path), sys(close, null), sys(close, event);
}

static void from_file(int file, int *out)
{
    long at = 100;
    EQ(sys(lseek, file, 0, SEEK_SET), 0);
    EQ(sys(splice, file, NULL, out[1], NULL, 1000, SPLICE_F_MOVE | SPLICE_F_MORE), 1000);
    EQ(sys(lseek, file, 0, SEEK_CUR), 1000);
    EQ(sys(splice, file, &at, out[1], NULL, 10, 0), 10);
    EQ(at, 110);
    EQ(sys(lseek, file, 0, SEEK_CUR), 1000);
    EQ(sys(read, out[0], copy, 2000), 1010);
    CHECK(!memcmp(copy, text, 1000) && !memcmp(copy + 1000, text + 100, 10));
    at = 200000;
    EQ(sys(splice, file, &at, out[1], NULL, 10, 0), 0); // the end
    EQ(sys(splice, file, NULL, out[1], NULL, 200000, 0), 61440 + 3096); // 16 pages, the first of them in part
    EQ(content(out[0]), 61440 + 3096);
    EQ(sys(splice, file, NULL, out[1], NULL, 1, NB), -EAGAIN);
    EQ(sys(read, out[0], copy, 200000), 61440 + 3096);
    CHECK(!memcmp(copy, text + 1000, 61440 + 3096));
    // A page of a file is not filled up by writes, and one byte is a page
    for (int i = 0; i < 16; i++) {
        at = i;
        EQ(sys(splice, file, &at, out[1], NULL, 1, NB), 1);
    }
    EQ(sys(splice, file, &at, out[1], NULL, 1, NB), -EAGAIN);
    EQ(sys(read, out[0], copy, 200000), 16);
    CHECK(!memcmp(copy, text, 16));
}

static void to_file(int *in)
{
    int target = new_file("target");
    long at = 50;
    EQ(sys(write, in[1], text, 5000), 5000);
    EQ(sys(splice, in[0], NULL, target, NULL, 3000, 0), 3000);
    EQ(sys(lseek, target, 0, SEEK_CUR), 3000);
    EQ(sys(splice, in[0], NULL, target, &at, 100000, 0), 2000); // what there is
    EQ(at, 2050);
    EQ(sys(lseek, target, 0, SEEK_CUR), 3000);
    EQ(sys(pread64, target, copy, 5000, 0), 3000);
    CHECK(!memcmp(copy, text, 50) && !memcmp(copy + 50, text + 3000, 2000) && !memcmp(copy + 2050, text + 2050, 950));
    sys(close, target);
}

static void between(int *in, int *out)
{
    EQ(sys(write, in[1], text, 10000), 10000);
    EQ(sys(splice, in[0], NULL, out[1], NULL, 6000, 0), 6000);
    EQ(content(in[0]), 4000);
    EQ(content(out[0]), 6000);
    EQ(sys(splice, in[0], NULL, out[1], NULL, 60000, 0), 4000);
    EQ(sys(splice, in[0], NULL, out[1], NULL, 60000, NB), -EAGAIN);
    EQ(sys(read, out[0], copy, 20000), 10000);
    CHECK(!memcmp(copy, text, 10000));
    EQ(sys(write, in[1], text, 65536), 65536);
    EQ(sys(write, out[1], text, 4096 * 14), 4096 * 14);
    EQ(sys(splice, in[0], NULL, out[1], NULL, 65536, 0), 8192); // what there is room for
    EQ(sys(splice, in[0], NULL, out[1], NULL, 65536, NB), -EAGAIN);
    EQ(sys(read, in[0], copy, 65536), 65536 - 8192);
    CHECK(!memcmp(copy, text + 8192, 65536 - 8192));
    EQ(sys(read, out[0], copy, 65536), 65536);
    CHECK(!memcmp(copy + 4096 * 14, text, 8192));
}

static int n_pipes;
static void on_pipe(int signo UNUSED, siginfo_t *info UNUSED, struct raw_ucontext *context UNUSED)
{
    n_pipes++;
}

static void closed_ends(int file, int *in, int *out)
{
    EQ(raw_handle(SIGPIPE, on_pipe, 0), 0);
    EQ(sys(write, in[1], "abc", 3), 3);
    sys(close, in[1]);
    sys(close, out[0]);
    long at = 0;
    EQ(sys(splice, file, &at, out[1], NULL, 1, 0), -EPIPE);
    EQ(sys(splice, in[0], NULL, out[1], NULL, 1, 0), -EPIPE);
    EQ(content(in[0]), 3);
    EQ(sys(splice, in[0], NULL, file, &at, 10, 0), 3);
    EQ(at, 3);
    EQ(sys(splice, in[0], NULL, file, &at, 10, 0), 0); // all writers gone
    EQ(sys(splice, in[0], NULL, out[1], NULL, 1, 0), -EPIPE); // both: the other end comes first
    EQ(n_pipes, 3);
}

MAIN
{
    int file = new_file("file"), in[2], out[2];
    for (unsigned i = 0; i < sizeof text; i++)
        text[i] = i % 251 + i / 4096;
    EQ(sys(write, file, text, sizeof text), sizeof text);
    EQ(sys(pipe2, in, 0), 0);
    EQ(sys(pipe2, out, 0), 0);
    arguments(file, in, out);
    from_file(file, out);
    to_file(in);
    between(in, out);
    closed_ends(file, in, out);
    return 0;
}
