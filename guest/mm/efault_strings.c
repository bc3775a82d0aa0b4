// Path names with bad memory: EFAULT, also when the string runs from a good page into a hole; a string that ends on
// the last byte of the last page is fine; one of PATH_MAX bytes without an end is ENAMETOOLONG. Linux fs/namei.c,
// getname.
#include "raw.h"

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    unsigned char *p = map(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, 0);
    CHECK((long)p > 0);
    EQ(sys(munmap, p + 2 * PAGE, PAGE), 0);
    unsigned char *edge = p + 2 * PAGE;

    EQ(sys(access, NULL, 0), -EFAULT);
    EQ(sys(access, BAD_POINTER, 0), -EFAULT);
    EQ(sys(access, KERNEL_POINTER, 0), -EFAULT);
    EQ(sys(access, NONCANONICAL_POINTER, 0), -EFAULT);
    memcpy(edge - 2, ".", 2);
    EQ(sys(access, edge - 2, 0), 0);
    memcpy(edge - 2, "./", 2);                          // no end
    EQ(sys(access, edge - 2, 0), -EFAULT);
    memcpy(edge - 5, "/dev", 5);
    EQ(sys(access, edge - 5, 0), 0);
    memcpy(p + PAGE - 2, "/dev/null", 10);              // across two good pages
    EQ(sys(access, p + PAGE - 2, 0), 0);

    memset(p, '/', 2 * PAGE);
    EQ(sys(access, p, 0), -ENAMETOOLONG);
    p[4095] = 0;
    EQ(sys(access, p, 0), 0);                           // 4095 slashes
    p[4095] = '/';
    p[4096] = 0;
    EQ(sys(access, p, 0), -ENAMETOOLONG);
    EQ(sys(open, BAD_POINTER, O_RDONLY), -EFAULT);
    EQ(sys(readlink, BAD_POINTER, p, 10), -EFAULT);
    EQ(sys(readlink, "/proc/self/exe", BAD_POINTER, 10), -EFAULT);
    return 0;
}
