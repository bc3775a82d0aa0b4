// A PROT_NONE mapping below the stack needs no gap: the stack grows down to it, and touching the mapping itself is
// SEGV_ACCERR. Linux mm/mmap.c, expand_downwards (vma_is_accessible).
#include "raw_death.h"

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    unsigned char *top = (void *)((unsigned long)argv & -PAGE);
    unsigned char *wall = top - 1024 * PAGE;
    EQ(map(wall, PAGE, PROT_NONE, MAP_FIXED_NOREPLACE), wall);
    fatal_write(wall + PAGE);
    fatal_write(wall);
    return SURVIVED;
}
