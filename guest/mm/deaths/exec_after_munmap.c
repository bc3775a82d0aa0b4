// Jumping into code that ran before munmap(2) took the page: SIGSEGV, SEGV_MAPERR; translated code must not run on.
#include "raw_death.h"

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    EQ(map(FIXED_PLACE, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_FIXED), FIXED_PLACE);
    FIXED_PLACE[7] = 0xc3;
    for (int i = 0; i < 100; i++)
        fatal_call(FIXED_PLACE + 7);
    EQ(sys(munmap, FIXED_PLACE, PAGE), 0);
    fatal_call(FIXED_PLACE + 7);
    return SURVIVED;
}
