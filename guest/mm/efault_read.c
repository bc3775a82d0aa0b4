// read(2) and its family with bad memory: EFAULT when not one byte can be stored, a short count when some can; the
// file position moves by what was counted. What is not writable is as bad as what is not there.
#include "raw.h"

#include <linux/uio.h>

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    static char content[3 * 4096];
    memset(content, 'z', sizeof content);
    int fd = sys(open, "file", O_RDWR | O_CREAT | O_TRUNC, 0600);
    CHECK(fd >= 0);
    EQ(sys(write, fd, content, sizeof content), sizeof content);
    EQ(sys(lseek, fd, 0, 0), 0);

    EQ(sys(read, fd, NULL, 1), -EFAULT);
    EQ(sys(read, fd, BAD_POINTER, 100), -EFAULT);
    EQ(sys(read, fd, KERNEL_POINTER, 100), -EFAULT);
    EQ(sys(read, fd, NONCANONICAL_POINTER, 100), -EFAULT);
    EQ(sys(read, fd, -1L, 100), -EFAULT);
    EQ(sys(read, fd, main, 1), -EFAULT);                // text
    EQ(sys(read, fd, NULL, 0), 0);                      // nothing to store
    EQ(sys(pread64, fd, BAD_POINTER, 100, 0), -EFAULT);
    EQ(sys(lseek, fd, 0, 1), 0);                        // none of them moved it

    unsigned char *p = map(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, 0);
    CHECK((long)p > 0);
    EQ(sys(munmap, p + PAGE, PAGE), 0);
    unsigned char *edge = p + PAGE;
    EQ(sys(read, fd, edge - 100, 200), 100);            // up to the hole
    EQ(edge[-100], 'z');
    EQ(edge[-1], 'z');
    EQ(sys(lseek, fd, 0, 1), 100);
    EQ(sys(read, fd, edge - 1, 2), 1);
    EQ(sys(read, fd, edge, 1), -EFAULT);
    EQ(sys(lseek, fd, 0, 1), 101);
    EQ(sys(pread64, fd, edge - 10, PAGE, 5), 10);

    // A read-only page is a hole too.
    EQ(map(p + PAGE, PAGE, PROT_READ, MAP_FIXED), p + PAGE);
    EQ(sys(read, fd, edge - 100, 200), 100);
    EQ(edge[0], 0);
    EQ(sys(lseek, fd, 0, 1), 201);

    // readv: the good vectors count.
    struct iovec vectors[3] = {{p, 10}, {BAD_POINTER, 10}, {p + 100, 10}};
    memset(p, 0, 200);
    EQ(sys(readv, fd, vectors, 3), 10);
    EQ(p[9], 'z');
    EQ(p[100], 0);
    vectors[0].iov_base = BAD_POINTER;
    EQ(sys(readv, fd, vectors, 3), -EFAULT);
    EQ(sys(readv, fd, BAD_POINTER, 1), -EFAULT);
    EQ(sys(lseek, fd, 0, 1), 211);

    // At the end of the file nothing is stored, so nothing is bad.
    EQ(sys(lseek, fd, 0, 2), sizeof content);
    EQ(sys(read, fd, BAD_POINTER, 10), 0);

    // /dev/zero stores into memory and counts alike.
    int zero = sys(open, "/dev/zero", O_RDONLY);
    CHECK(zero >= 0);
    EQ(sys(read, zero, BAD_POINTER, 10), -EFAULT);
    EQ(sys(read, zero, edge - 100, 200), 100);
    return 0;
}
