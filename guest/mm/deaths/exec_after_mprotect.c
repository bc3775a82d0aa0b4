// Jumping into code that ran before mprotect(2) took PROT_EXEC away: SIGSEGV, SEGV_ACCERR; translated code must not
// run on.
#include "raw_death.h"

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    EQ(map(FIXED_PLACE, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_FIXED), FIXED_PLACE);
    FIXED_PLACE[7] = 0xc3;
    for (int i = 0; i < 100; i++)
        fatal_call(FIXED_PLACE + 7);
    EQ(sys(mprotect, FIXED_PLACE, PAGE, PROT_READ | PROT_WRITE), 0);
    fatal_call(FIXED_PLACE + 7);
    return SURVIVED;
}
