// lock cmpxchg on read-only memory: SIGSEGV, SEGV_ACCERR, also when the comparison would fail. SDM vol. 2A, CMPXCHG.
#include "death.inc"
        DEATH
        mov     ebx, OFFSET _start
        FAULT
        lock cmpxchg [rbx], rcx
        END
