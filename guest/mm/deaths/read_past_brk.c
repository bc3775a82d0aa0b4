// Loading from the page after the break, which had been used before the break was moved down over it: SIGSEGV,
// SEGV_MAPERR. brk(2).
#include "raw_death.h"

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    unsigned char *heap = (void *)((sys(brk, 0) + PAGE - 1) & -PAGE);
    EQ(sys(brk, heap + 2 * PAGE), heap + 2 * PAGE);
    heap[PAGE] = 1;
    EQ(sys(brk, heap + PAGE), heap + PAGE);
    fatal_read(heap + PAGE);
    return SURVIVED;
}
