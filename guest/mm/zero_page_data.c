// Kernel stores and guest stores agree about pages nobody touched yet: a page that was only read (and shows the
// shared zero page) takes a store of either without a neighbour changing, and a page first stored to by the kernel
// is private.
#include "raw.h"

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    volatile unsigned char *p = map(NULL, 64 * PAGE, PROT_READ | PROT_WRITE, 0);
    CHECK((long)p > 0);
    int zero = sys(open, "/dev/zero", O_RDONLY);
    CHECK(zero >= 0);
    for (int i = 0; i < 64; i++)
        EQ(p[i * PAGE + 7], 0);                         // all read
    for (int i = 0; i < 64; i += 2)
        p[i * PAGE + 7] = i + 1;                        // half stored to
    for (int i = 1; i < 64; i += 4)
        EQ(sys(clock_gettime, 1, p + i * PAGE), 0);     // a quarter stored to by the kernel
    for (int i = 0; i < 64; i += 2)
        EQ(p[i * PAGE + 7], i + 1);
    for (int i = 3; i < 64; i += 4)
        for (unsigned j = 0; j < PAGE; j += 8)
            EQ(*(volatile unsigned long *)(p + i * PAGE + j), 0);
    EQ(sys(read, zero, p, 64 * PAGE), 64 * PAGE);
    for (int i = 0; i < 64; i++)
        EQ(p[i * PAGE + 7], 0);
    return 0;
}
