// munmap(2): whole pages, any number of mappings, holes included; a piece out of the middle leaves both ends; the
// bytes are gone for good. EINVAL for what is not page-aligned, empty, or beyond the user's half.
#include "raw.h"

#define RW (PROT_READ | PROT_WRITE)

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    unsigned char *p = map(NULL, 8 * PAGE, RW, 0);
    CHECK((long)p > 0);
    memset(p, 0x11, 8 * PAGE);

    EQ(sys(munmap, p + 1, PAGE), -EINVAL);
    EQ(sys(munmap, p, 0), -EINVAL);
    EQ(sys(munmap, p, -1L), -EINVAL);
    EQ(sys(munmap, KERNEL_POINTER, PAGE), -EINVAL);
    EQ(sys(munmap, 0x7fffffffe000, 2 * PAGE), -EINVAL);
    EQ(probe(p), READABLE | WRITABLE);

    EQ(sys(munmap, p + 3 * PAGE, PAGE), 0);             // a hole in the middle
    EQ(probe(p + 2 * PAGE), READABLE | WRITABLE);
    EQ(probe(p + 3 * PAGE), UNMAPPED);
    EQ(probe(p + 4 * PAGE), READABLE | WRITABLE);
    EQ(p[3 * PAGE - 1], 0x11);
    EQ(p[4 * PAGE], 0x11);
    EQ(sys(munmap, p + 3 * PAGE, PAGE), 0);             // nothing there: not an error
    EQ(sys(munmap, p, 1), 0);                           // a length is rounded up
    EQ(probe(p), UNMAPPED);
    EQ(probe(p + PAGE), READABLE | WRITABLE);
    EQ(sys(munmap, p + 2 * PAGE, 3 * PAGE), 0);         // across the hole: an end, nothing, a start
    EQ(probe(p + PAGE), READABLE | WRITABLE);
    EQ(probe(p + 2 * PAGE), UNMAPPED);
    EQ(probe(p + 4 * PAGE), UNMAPPED);
    EQ(probe(p + 5 * PAGE), READABLE | WRITABLE);

    // What is mapped there again is zero.
    EQ(map(p + 2 * PAGE, PAGE, RW, MAP_FIXED), p + 2 * PAGE);
    EQ(p[2 * PAGE], 0);
    EQ(sys(munmap, p, 8 * PAGE), 0);
    EQ(probe(p + 7 * PAGE), UNMAPPED);
    EQ(sys(munmap, p, 8 * PAGE), 0);
    return 0;
}
