// cli at CPL 3 with IOPL 0: #GP, which Linux turns into SIGSEGV, SI_KERNEL, address 0, at the instruction itself.
// SDM vol. 2A, CLI.
#include "death.inc"
        DEATH
        FAULT
        cli
        END
