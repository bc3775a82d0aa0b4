// push with rsp in unmapped memory: SIGSEGV, SEGV_MAPERR, the address is rsp - 8; rsp stays. SDM vol. 2B, PUSH.
#include "death.inc"
        DEATH
        mov     esp, 0x1000
        FAULT
        push    rax
        END
