// copy_file_range(2): within a file and between two, as far as the source goes; what overlaps is refused.
// strace: same
#include "raw_file.h"

static char text[20000], copy[20000];

MAIN
{
    int file = new_file("file"), target = new_file("target"), ends[2];
    long in = 0, out = 0;
    for (unsigned i = 0; i < sizeof text; i++)
        text[i] = i % 251 + i / 4096;
    EQ(sys(write, file, text, sizeof text), sizeof text);
    EQ(sys(copy_file_range, file, NULL, target, NULL, 100, 0), 0);
    in = 10;
    EQ(sys(copy_file_range, file, &in, target, NULL, 100, 0), 100);
    EQ(in, 110);
    EQ(sys(lseek, file, 0, SEEK_CUR), 20000);
    EQ(sys(lseek, target, 0, SEEK_CUR), 100);
    sys(lseek, file, 19000, SEEK_SET);
    out = 5000;
    EQ(sys(copy_file_range, file, NULL, target, &out, 100000, 0), 1000);
    EQ(out, 6000);
    EQ(sys(lseek, file, 0, SEEK_CUR), 20000);
    EQ(sys(lseek, target, 0, SEEK_CUR), 100);
    EQ(sys(pread64, target, copy, 20000, 0), 6000);
    CHECK(!memcmp(copy, text + 10, 100) && !copy[100] && !memcmp(copy + 5000, text + 19000, 1000));
    // One file
    in = 0, out = 30000;
    EQ(sys(copy_file_range, file, &in, file, &out, 5000, 0), 5000);
    in = 0, out = 4999;
    EQ(sys(copy_file_range, file, &in, file, &out, 5000, 0), -EINVAL);
    in = 4999, out = 0;
    EQ(sys(copy_file_range, file, &in, file, &out, 5000, 0), -EINVAL);
    in = 5000;
    EQ(sys(copy_file_range, file, &in, file, &out, 5000, 0), 5000);
    EQ(sys(pread64, file, copy, 5000, 0), 5000);
    CHECK(!memcmp(copy, text + 5000, 5000));
    in = 34000, out = 34999; // of what there is, 1000 bytes, one overlaps
    EQ(sys(copy_file_range, file, &in, file, &out, 5000, 0), -EINVAL);
    out = 35000;
    EQ(sys(copy_file_range, file, &in, file, &out, 5000, 0), 1000);

    in = out = 0;
    EQ(sys(copy_file_range, -1, &in, target, &out, 1, 0), -EBADF);
    EQ(sys(copy_file_range, file, &in, -1, &out, 1, 0), -EBADF);
    EQ(sys(copy_file_range, -1, BAD_POINTER, -1, BAD_POINTER, 1, 1), -EBADF);
    EQ(sys(copy_file_range, file, BAD_POINTER, target, &out, 1, 1), -EFAULT);
    EQ(sys(copy_file_range, file, &in, target, &out, 1, 1), -EINVAL);
    EQ(sys(copy_file_range, file, &in, target, &out, 0, 0), 0);
    int reader = sys(open, "file", O_RDONLY), writer = sys(open, "file", O_WRONLY);
    int append = sys(open, "target", O_WRONLY | O_APPEND), directory = sys(open, ".", O_RDONLY);
    EQ(sys(copy_file_range, writer, &in, target, &out, 1, 0), -EBADF);
    EQ(sys(copy_file_range, target, &in, reader, &out, 1, 0), -EBADF);
    EQ(sys(copy_file_range, file, &in, append, &out, 1, 0), -EBADF);
    EQ(sys(copy_file_range, directory, &in, target, &out, 1, 0), -EISDIR);
    EQ(sys(copy_file_range, file, &in, directory, &out, 1, 0), -EISDIR);
    EQ(sys(pipe2, ends, 0), 0);
    EQ(sys(copy_file_range, ends[0], NULL, target, &out, 1, 0), -EINVAL);
    EQ(sys(copy_file_range, file, &in, ends[1], NULL, 1, 0), -EINVAL);
    in = -1;
    EQ(sys(copy_file_range, file, &in, target, &out, 1, 0), -EOVERFLOW);
    in = -2;
    EQ(sys(copy_file_range, file, &in, target, &out, 1, 0), -EINVAL);
    in = 0;
    EQ(sys(copy_file_range, file, &in, target, &out, -1, 0), 34000 + 2000);

    // Files in memory, and from one file system to another
    int memory = sys(memfd_create, "m", 0), other = sys(memfd_create, "o", 0);
    EQ(sys(write, memory, text, 5000), 5000);
    in = 0, out = 100;
    EQ(sys(copy_file_range, memory, &in, other, &out, 1000, 0), 1000);
    EQ(in, 1000);
    EQ(sys(pread64, other, copy, 2000, 0), 1100);
    CHECK(!copy[99] && !memcmp(copy + 100, text, 1000));
    in = 0, out = 500;
    EQ(sys(copy_file_range, memory, &in, memory, &out, 1000, 0), -EINVAL);
    EQ(sys(copy_file_range, memory, &in, target, &out, 1000, 0), -EXDEV);
    EQ(sys(copy_file_range, target, &in, memory, &out, 1000, 0), -EXDEV);
    return 0;
}
