// int 14: the page-fault gate is closed to CPL 3: #GP, which Linux turns into SIGSEGV, SI_KERNEL, address 0, at the
// instruction itself. Not a page fault: CR2 and the error code of an earlier one must not show. SDM vol. 2A, INT n.
#include "death.inc"
        DEATH
        FAULT
        int     14
        END
