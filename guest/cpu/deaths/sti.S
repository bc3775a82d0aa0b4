// sti at CPL 3 with IOPL 0: #GP, which Linux turns into SIGSEGV, SI_KERNEL, address 0, at the instruction itself.
// SDM vol. 2B, STI.
#include "death.inc"
        DEATH
        FAULT
        sti
        END
