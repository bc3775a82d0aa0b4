// int 4: the overflow gate is open to CPL 3: SIGSEGV, SI_KERNEL, RIP after the instruction. SDM vol. 2A, INT n;
// arch/x86/kernel/traps.c, exc_overflow.
#include "death.inc"
        DEATH
        FAULT
        int     4
        END
