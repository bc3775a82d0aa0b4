// tee(2) copies a pipe's content and leaves it there; vmsplice(2) moves memory into a pipe and out of it.
// strace: same
#include "raw_file.h"

#define NB 2

struct vector {
    void *base;
    unsigned long length;
};

static struct vector many[1025];
static char text[100000] __attribute__((aligned(4096))), copy[100000];

static void tee(int *in, int *out)
{
    EQ(sys(tee, in[0], out[1], 0, 0), 0);
    EQ(sys(tee, -1, -1, 0, 0), 0);
    EQ(sys(tee, -1, -1, 0, 16), -EINVAL);
    EQ(sys(tee, -1, out[1], 1, 0), -EBADF);
    EQ(sys(tee, in[0], -1, 1, 0), -EBADF);
    EQ(sys(tee, in[1], out[1], 1, 0), -EBADF);
    EQ(sys(tee, in[0], out[0], 1, 0), -EBADF);
    EQ(sys(tee, in[0], in[1], 1, 0), -EINVAL);
    EQ(sys(tee, in[0], out[1], 1, NB), -EAGAIN);
    int file = new_file("file");
    EQ(sys(tee, in[0], file, 1, 0), -EINVAL);
    EQ(sys(tee, file, out[1], 1, 0), -EINVAL);
    sys(close, file);
    EQ(sys(write, in[1], text, 10000), 10000);
    EQ(sys(tee, in[0], out[1], 5000, 0), 5000);
    EQ(sys(tee, in[0], out[1], 100000, 0), 10000);
    EQ(sys(read, out[0], copy, 20000), 15000);
    CHECK(!memcmp(copy, text, 5000) && !memcmp(copy + 5000, text, 10000));
    EQ(sys(read, in[0], copy, 20000), 10000);
    CHECK(!memcmp(copy, text, 10000));
    EQ(sys(write, in[1], text, 65536), 65536);
    EQ(sys(write, out[1], text, 1), 1);
    EQ(sys(tee, in[0], out[1], 65536, 0), 15 * 4096);
    EQ(sys(tee, in[0], out[1], 1, NB), -EAGAIN);
    EQ(sys(read, out[0], copy, 100000), 15 * 4096 + 1);
    EQ(sys(read, in[0], copy, 100000), 65536);
}

static void vmsplice(int *ends)
{
    struct vector two[2] = {{text, 5000}, {text + 50000, 10}}, room[3] = {{copy, 3}, {copy + 10, 0}, {copy + 20, 100}};
    EQ(sys(vmsplice, ends[1], two, 2, 16), -EINVAL);
    EQ(sys(vmsplice, -1, two, 2, 0), -EBADF);
    EQ(sys(vmsplice, -1, two, 2, 16), -EINVAL);
    EQ(sys(vmsplice, ends[1], BAD_POINTER, 1, 0), -EFAULT);
    EQ(sys(vmsplice, ends[1], many, 1025, 0), -EINVAL);
    EQ(sys(vmsplice, ends[1], two, 0, 0), 0);
    int file = new_file("file");
    EQ(sys(vmsplice, file, two, 2, 0), -EBADF); // no pipe
    sys(close, file);
    EQ(sys(vmsplice, ends[0], two, 2, NB), -EAGAIN);
    EQ(sys(vmsplice, ends[1], two, 2, 0), 5010);
    EQ(sys(vmsplice, ends[0], room, 3, 0), 103);
    CHECK(!memcmp(copy, text, 3) && !memcmp(copy + 20, text + 3, 100));
    EQ(sys(read, ends[0], copy, 10000), 5010 - 103);
    CHECK(!memcmp(copy, text + 103, 4897) && !memcmp(copy + 4897, text + 50000, 10));
    room[0] = (struct vector){BAD_POINTER, 5};
    EQ(sys(vmsplice, ends[1], room, 1, 0), -EFAULT);
    EQ(sys(write, ends[1], "abc", 3), 3);
    EQ(sys(vmsplice, ends[0], room, 1, 0), -EFAULT);
    EQ(sys(read, ends[0], copy, 10), 3); // nothing of it is lost
    two[0] = (struct vector){text, 3 * 4096};
    for (int i = 0; i < 5; i++)
        EQ(sys(vmsplice, ends[1], two, 1, NB), 3 * 4096);
    EQ(sys(vmsplice, ends[1], two, 1, NB), 4096); // one page is left
    EQ(sys(vmsplice, ends[1], two, 1, NB), -EAGAIN);
}

MAIN
{
    int in[2], out[2];
    for (unsigned i = 0; i < sizeof text; i++)
        text[i] = i % 251 + i / 4096;
    EQ(sys(pipe2, in, 0), 0);
    EQ(sys(pipe2, out, 0), 0);
    tee(in, out);
    vmsplice(out);
    return 0;
}
