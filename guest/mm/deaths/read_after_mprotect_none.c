// Loading from a page that was read before mprotect(2) made it PROT_NONE: SIGSEGV, SEGV_ACCERR; the TLB must know.
#include "raw_death.h"

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    EQ(map(FIXED_PLACE, PAGE, PROT_READ | PROT_WRITE, MAP_FIXED), FIXED_PLACE);
    EQ(fatal_read(FIXED_PLACE), 0);
    EQ(sys(mprotect, FIXED_PLACE, PAGE, PROT_NONE), 0);
    fatal_read(FIXED_PLACE);
    return SURVIVED;
}
