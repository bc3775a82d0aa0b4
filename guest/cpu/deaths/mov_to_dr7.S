// Writing DR7 at CPL 3: #GP, which Linux turns into SIGSEGV, SI_KERNEL, address 0, at the instruction itself. SDM
// vol. 2B, MOV - Move to/from Debug Registers.
#include "death.inc"
        DEATH
        mov     eax, 0x400
        FAULT
        mov     dr7, rax
        END
