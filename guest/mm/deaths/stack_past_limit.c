// Touching the stack's address range further down than RLIMIT_STACK (8 MiB) lets it grow: SIGSEGV, SEGV_MAPERR.
// setrlimit(2).
#include "raw_death.h"

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    unsigned char *top = (unsigned char *)argv;
    fatal_write(top - (7UL << 20));
    fatal_write(top - (8UL << 20) - 16 * PAGE);
    return SURVIVED;
}
