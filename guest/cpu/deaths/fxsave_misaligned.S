// fxsave to an address not divisible by 16: #GP: SIGSEGV, SI_KERNEL, address 0. SDM vol. 2A, FXSAVE.
#include "death.inc"
        DEATH
        mov     ebx, OFFSET stack_top - 0xff
        FAULT
        fxsave  [rbx]
        END
