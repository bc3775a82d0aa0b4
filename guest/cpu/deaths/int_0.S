// int 0: the divide-error gate is closed to CPL 3: #GP, which Linux turns into SIGSEGV, SI_KERNEL, address 0, at the
// instruction itself. Not SIGFPE. SDM vol. 2A, INT n.
#include "death.inc"
        DEATH
        FAULT
        int     0
        END
