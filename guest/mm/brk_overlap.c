// brk(2) is refused, and nothing changes, when the heap would run into another mapping; with the mapping gone it
// works. Linux keeps one page free above the heap as well (mm/mmap.c, brk: find_vma_intersection to newbrk +
// PAGE_SIZE).
#include "raw.h"

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    unsigned long start = (sys(brk, 0) + PAGE - 1) & -PAGE;
    EQ(sys(brk, start + PAGE), start + PAGE);
    void *wall = (void *)(start + 16 * PAGE);
    EQ(map(wall, PAGE, PROT_READ | PROT_WRITE, MAP_FIXED_NOREPLACE), wall);
    EQ(sys(brk, start + 17 * PAGE), start + PAGE);      // into it
    EQ(sys(brk, start + 32 * PAGE), start + PAGE);      // over it
    EQ(sys(brk, start + 16 * PAGE), start + PAGE);      // right up to it: no page between
    EQ(probe((void *)(start + PAGE)), UNMAPPED);
    EQ(probe(wall), READABLE | WRITABLE);
    EQ(sys(brk, start + 15 * PAGE), start + 15 * PAGE); // one page between
    EQ(sys(munmap, wall, PAGE), 0);
    EQ(sys(brk, start + 17 * PAGE), start + 17 * PAGE);
    EQ(probe(wall), READABLE | WRITABLE);

    // A mapping put over the heap stays when brk shrinks past it: brk unmaps whatever is there.
    EQ(map((void *)(start + 3 * PAGE), PAGE, PROT_READ, MAP_FIXED), start + 3 * PAGE);
    EQ(probe((void *)(start + 3 * PAGE)), READABLE);
    EQ(sys(brk, start + 2 * PAGE), start + 2 * PAGE);
    EQ(probe((void *)(start + 3 * PAGE)), UNMAPPED);
    return 0;
}
