// What write(2) puts into a file shows in a private mapping's pages that were not stored to, at once: the mapping is
// of the page cache. (POSIX leaves it open; Linux has one cache.) Pages already copied keep their own bytes.
#include "raw.h"

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    int fd = sys(open, "file", O_RDWR | O_CREAT | O_TRUNC, 0600);
    CHECK(fd >= 0);
    EQ(sys(ftruncate, fd, 3 * PAGE), 0);
    volatile unsigned char *p = (void *)sys(mmap, 0, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    CHECK((long)p > 0);
    EQ(p[0], 0);                                        // read: still the cache's page
    p[PAGE] = 5;                                        // stored to: a copy
    EQ(sys(pwrite64, fd, "a", 1, 0), 1);
    EQ(sys(pwrite64, fd, "b", 1, PAGE), 1);
    EQ(sys(pwrite64, fd, "c", 1, 2 * PAGE), 1);         // not touched yet
    EQ(p[0], 'a');
    EQ(p[PAGE], 5);
    EQ(p[2 * PAGE], 'c');
    return 0;
}
