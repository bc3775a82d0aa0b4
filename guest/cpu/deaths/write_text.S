// Writing to a page mapped read and execute: SIGSEGV, SEGV_ACCERR, the address is the operand's. sigaction(2).
#include "death.inc"
        DEATH
        mov     ebx, OFFSET _start + 1
        FAULT
        mov     [rbx], eax
        END
