// write(2) and its family with bad memory: EFAULT when not one byte can be fetched, a short count when some can, and
// those bytes are in the file. PROT_NONE is as bad as a hole; a write-only page can be read on x86.
#include "raw.h"

#include <linux/uio.h>

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    int fd = sys(open, "file", O_RDWR | O_CREAT | O_TRUNC, 0600);
    CHECK(fd >= 0);

    EQ(sys(write, fd, NULL, 1), -EFAULT);
    EQ(sys(write, fd, BAD_POINTER, 100), -EFAULT);
    EQ(sys(write, fd, KERNEL_POINTER, 100), -EFAULT);
    EQ(sys(write, fd, NONCANONICAL_POINTER, 100), -EFAULT);
    EQ(sys(write, fd, -1L, 100), -EFAULT);
    EQ(sys(write, fd, BAD_POINTER, 0), 0);
    EQ(sys(pwrite64, fd, BAD_POINTER, 1, 0), -EFAULT);
    EQ(sys(lseek, fd, 0, 2), 0);                        // the file is still empty

    unsigned char *p = map(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, 0);
    CHECK((long)p > 0);
    memset(p, 'y', 3 * PAGE);
    EQ(sys(munmap, p + PAGE, PAGE), 0);
    unsigned char *edge = p + PAGE;
    EQ(sys(write, fd, edge - 100, 200), 100);
    EQ(sys(lseek, fd, 0, 2), 100);
    EQ(sys(write, fd, edge - 1, PAGE), 1);
    EQ(sys(write, fd, edge, 1), -EFAULT);
    EQ(sys(lseek, fd, 0, 2), 101);

    EQ(map(p + PAGE, PAGE, PROT_NONE, MAP_FIXED), p + PAGE);
    EQ(sys(write, fd, edge - 100, 200), 100);
    EQ(sys(mprotect, p + PAGE, PAGE, PROT_WRITE), 0);
    EQ(sys(write, fd, edge - 100, 200), 200);

    struct iovec vectors[3] = {{p, 10}, {BAD_POINTER, 10}, {p, 10}};
    EQ(sys(writev, fd, vectors, 3), 10);
    vectors[0].iov_base = BAD_POINTER;
    EQ(sys(writev, fd, vectors, 3), -EFAULT);
    EQ(sys(writev, fd, BAD_POINTER, 1), -EFAULT);
    EQ(sys(lseek, fd, 0, 2), 411);

    // /dev/null takes everything unseen.
    int null = sys(open, "/dev/null", O_WRONLY);
    CHECK(null >= 0);
    EQ(sys(write, null, BAD_POINTER, 100), 100);
    return 0;
}
