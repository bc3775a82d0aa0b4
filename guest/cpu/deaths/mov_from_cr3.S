// Reading CR3 at CPL 3: #GP, which Linux turns into SIGSEGV, SI_KERNEL, address 0, at the instruction itself. SDM
// vol. 2B, MOV - Move to/from Control Registers.
#include "death.inc"
        DEATH
        FAULT
        mov     rax, cr3
        END
