// The stack does not grow to within 256 pages (stack_guard_gap) of a mapping below it: SIGSEGV, SEGV_MAPERR, though
// RLIMIT_STACK allows more. Linux mm/mmap.c, expand_downwards.
#include "raw_death.h"

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    unsigned char *top = (void *)((unsigned long)argv & -PAGE);
    unsigned char *wall = top - 1024 * PAGE;
    EQ(map(wall, PAGE, PROT_READ | PROT_WRITE, MAP_FIXED_NOREPLACE), wall);
    fatal_write(wall + 257 * PAGE);     // 256 pages lie between it and the wall
    *(volatile unsigned char *)wall = 1;
    fatal_write(wall + 256 * PAGE);     // only 255 do
    return SURVIVED;
}
