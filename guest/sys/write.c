// write(2): the count written, the position moved; EBADF for descriptors not open or not for writing, whatever the
// buffer; 0 bytes are 0; O_APPEND writes at the end wherever the position is; a buffer that runs out of the user's
// half is EFAULT whatever the count; past the end of a file leaves zeros.
#include "raw.h"

#include <linux/fs.h>

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    int fd = sys(open, "file", O_RDWR | O_CREAT | O_TRUNC, 0600);
    CHECK(fd >= 0);

    char back[16];
    EQ(sys(write, fd, "abcdef", 6), 6);
    EQ(sys(lseek, fd, 0, SEEK_CUR), 6);
    EQ(sys(write, fd, "xyz", 0), 0);
    EQ(sys(lseek, fd, 2, SEEK_SET), 2);
    EQ(sys(write, fd, "CD", 2), 2);
    EQ(sys(pread64, fd, back, 16, 0), 6);
    EQ(memcmp(back, "abCDef", 6), 0);

    EQ(sys(lseek, fd, 10, SEEK_SET), 10);
    EQ(sys(write, fd, "!", 1), 1);
    EQ(sys(pread64, fd, back, 16, 0), 11);
    EQ(memcmp(back, "abCDef\0\0\0\0!", 11), 0);

    int append = sys(open, "file", O_WRONLY | O_APPEND);
    CHECK(append >= 0);
    EQ(sys(lseek, append, 0, SEEK_CUR), 0);
    EQ(sys(write, append, "end", 3), 3);
    EQ(sys(lseek, append, 0, SEEK_CUR), 14);
    EQ(sys(pread64, fd, back, 16, 11), 3);
    EQ(memcmp(back, "end", 3), 0);

    int read_only = sys(open, "file", O_RDONLY);
    int path_only = sys(open, "file", O_PATH);
    EQ(sys(write, read_only, "x", 1), -EBADF);
    EQ(sys(write, read_only, BAD_POINTER, 1), -EBADF);
    EQ(sys(write, path_only, "x", 1), -EBADF);
    EQ(sys(write, -1, "x", 1), -EBADF);
    EQ(sys(write, 999, BAD_POINTER, 1), -EBADF);
    EQ(sys(write, 0x100000000L | fd, "x", 1), 1);       // a descriptor is an unsigned int: the upper half is dropped
    EQ(sys(write, read_only, "x", 0), -EBADF);
    EQ(sys(write, fd, BAD_POINTER, -1L), -EFAULT);      // runs out of the user's half: before the count is looked at
    EQ(sys(write, fd, "x", 1L << 63), -EFAULT);
    EQ(sys(write, append, KERNEL_POINTER, 1L << 62), -EFAULT);
    return 0;
}
