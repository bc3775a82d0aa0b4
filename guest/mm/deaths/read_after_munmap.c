// Loading from a page that was used before munmap(2) took it: SIGSEGV, SEGV_MAPERR; the TLB must know.
#include "raw_death.h"

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    EQ(map(FIXED_PLACE, PAGE, PROT_READ | PROT_WRITE, MAP_FIXED), FIXED_PLACE);
    *(volatile unsigned char *)FIXED_PLACE = 1;
    EQ(sys(munmap, FIXED_PLACE, PAGE), 0);
    fatal_read(FIXED_PLACE);
    return SURVIVED;
}
