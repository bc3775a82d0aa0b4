// Loading DS and ES with __USER_DS (0x2b) works, since the GDT is there, and memory reads as before: the program
// survives. SDM vol. 2B, MOV; arch/x86/include/asm/segment.h.
#include "death.inc"
        DEATH
        mov     ebx, 0x2b
        FAULT
        mov     ds, ebx
        mov     es, ebx
        mov     rax, [scratch]
        END
