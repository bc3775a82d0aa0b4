// Loading from a PROT_NONE page: SIGSEGV, SEGV_ACCERR: the page is mapped. mmap(2), sigaction(2).
#include "raw_death.h"

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    EQ(map(FIXED_PLACE, PAGE, PROT_NONE, MAP_FIXED), FIXED_PLACE);
    fatal_read(FIXED_PLACE + 3);
    return SURVIVED;
}
