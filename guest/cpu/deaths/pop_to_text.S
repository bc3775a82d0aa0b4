// pop into read-only memory: SIGSEGV, SEGV_ACCERR at the operand's address; rsp stays. SDM vol. 2B, POP.
#include "death.inc"
        DEATH
        mov     ebx, OFFSET _start
        sub     esp, 16
        FAULT
        pop     qword ptr [rbx]
        END
