// Storing to a page that was written to before mprotect(2) took the right away: SIGSEGV, SEGV_ACCERR; the TLB must
// know.
#include "raw_death.h"

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    EQ(map(FIXED_PLACE, PAGE, PROT_READ | PROT_WRITE, MAP_FIXED), FIXED_PLACE);
    *(volatile unsigned char *)FIXED_PLACE = 1;
    EQ(sys(mprotect, FIXED_PLACE, PAGE, PROT_READ), 0);
    EQ(FIXED_PLACE[0], 1);
    fatal_write(FIXED_PLACE);
    return SURVIVED;
}
