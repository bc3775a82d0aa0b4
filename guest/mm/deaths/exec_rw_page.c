// Jumping into a page mapped read and write only: SIGSEGV, SEGV_ACCERR, RIP and address are the target's. mmap(2)
// PROT_EXEC.
#include "raw_death.h"

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    EQ(map(FIXED_PLACE, PAGE, PROT_READ | PROT_WRITE, MAP_FIXED), FIXED_PLACE);
    FIXED_PLACE[7] = 0xc3;
    fatal_call(FIXED_PLACE + 7);
    return SURVIVED;
}
