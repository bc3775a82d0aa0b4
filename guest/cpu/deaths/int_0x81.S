// int 0x81: a gate closed to CPL 3: #GP, which Linux turns into SIGSEGV, SI_KERNEL, address 0, at the instruction
// itself. SDM vol. 2A, INT n; arch/x86/kernel/idt.c.
#include "death.inc"
        DEATH
        FAULT
        int     0x81
        END
