// Loading from a hole that munmap(2) made between two used pages: SIGSEGV, SEGV_MAPERR.
#include "raw_death.h"

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    EQ(map(FIXED_PLACE, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_FIXED), FIXED_PLACE);
    memset(FIXED_PLACE, 1, 3 * PAGE);
    EQ(sys(munmap, FIXED_PLACE + PAGE, PAGE), 0);
    EQ(FIXED_PLACE[0] + FIXED_PLACE[2 * PAGE], 2);
    fatal_read(FIXED_PLACE + 2 * PAGE - 1);
    return SURVIVED;
}
