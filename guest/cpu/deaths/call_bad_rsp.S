// call with rsp in unmapped memory: SIGSEGV, SEGV_MAPERR, the address is rsp - 8, RIP stays at the call. SDM vol.
// 2A, CALL.
#include "death.inc"
        DEATH
        mov     esp, 0x1000
        mov     ebx, OFFSET _start
        FAULT
        call    rbx
        END
