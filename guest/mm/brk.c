// brk(2), the raw call: it returns the new break, or the old one when it cannot be set; it never returns an error.
// Memory it gives is zero, also when it was given back in between; what it takes away is gone, by whole pages. Linux
// mm/mmap.c, SYSCALL_DEFINE1(brk).
#include "raw.h"

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    unsigned char *start = (void *)sys(brk, 0);
    CHECK((long)start > 0);
    EQ(sys(brk, 0), start);
    EQ(sys(brk, 1), start);                     // below the start: refused
    EQ(sys(brk, start - 1), start);
    EQ(sys(brk, -1L), start);
    EQ(sys(brk, KERNEL_POINTER), start);
    EQ(sys(brk, 0x7fffffffe000), start);        // absurd: over the stack
    EQ(sys(brk, start), start);

    // One byte makes one page readable, to its end and not further.
    EQ(sys(brk, start + 1), start + 1);
    unsigned char *page = (void *)((unsigned long)start & -PAGE);
    EQ(probe(start), READABLE | WRITABLE);
    EQ(probe(page + PAGE - 1), READABLE | WRITABLE);
    EQ(probe(page + PAGE), UNMAPPED);
    EQ(start[0], 0);
    start[0] = 0x55;

    // Growing keeps what is there and adds zeros.
    EQ(sys(brk, start + 3 * PAGE), start + 3 * PAGE);
    EQ(start[0], 0x55);
    EQ(start[3 * PAGE - 1], 0);
    for (unsigned i = 0; i < 3; i++)
        start[i * PAGE + 100] = 0x66;

    // Shrinking inside a page keeps the page and its content.
    EQ(sys(brk, start + 2 * PAGE + 1), start + 2 * PAGE + 1);
    EQ(start[2 * PAGE + 100], 0x66);
    EQ(sys(brk, start + PAGE + 200), start + PAGE + 200);
    EQ(start[PAGE + 100], 0x66);
    EQ(probe((void *)(((unsigned long)start + PAGE + 200 + PAGE - 1) & -PAGE)), UNMAPPED);

    // Growing again gives zeros, not the old bytes.
    EQ(sys(brk, start + 3 * PAGE), start + 3 * PAGE);
    EQ(start[2 * PAGE + 100], 0);
    EQ(start[PAGE + 100], 0x66);

    // All the way back, and forth.
    EQ(sys(brk, start), start);
    EQ(sys(brk, 0), start);
    EQ(sys(brk, start + PAGE), start + PAGE);
    if (page == start)
        EQ(start[0], 0);

    // The heap is memory like any other: it can be unmapped and protected under brk's feet.
    EQ(sys(brk, page + 8 * PAGE), page + 8 * PAGE);
    EQ(sys(mprotect, page + 2 * PAGE, PAGE, PROT_NONE), 0);
    EQ(probe(page + 2 * PAGE), UNMAPPED);
    EQ(sys(munmap, page + 4 * PAGE, PAGE), 0);
    EQ(sys(brk, 0), page + 8 * PAGE);
    EQ(probe(page + 4 * PAGE), UNMAPPED);
    EQ(probe(page + 5 * PAGE), READABLE | WRITABLE);
    EQ(sys(brk, page + PAGE), page + PAGE);     // shrinks over both
    EQ(probe(page + 5 * PAGE), UNMAPPED);
    return 0;
}
