// Storing to an anonymous PROT_READ page that was never touched: SIGSEGV, SEGV_ACCERR, not a page that appears.
// mmap(2).
#include "raw_death.h"

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    EQ(map(FIXED_PLACE, PAGE, PROT_READ, MAP_FIXED), FIXED_PLACE);
    fatal_write(FIXED_PLACE + 2);
    return SURVIVED;
}
