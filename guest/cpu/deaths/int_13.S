// int 13: the #GP gate itself is closed to CPL 3: #GP, which Linux turns into SIGSEGV, SI_KERNEL, address 0, at the
// instruction itself. SDM vol. 2A, INT n.
#include "death.inc"
        DEATH
        FAULT
        int     13
        END
