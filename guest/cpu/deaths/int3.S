// int3 (CC): SIGTRAP, SI_KERNEL, RIP after the instruction. SDM vol. 2A, INT3; arch/x86/kernel/traps.c,
// do_int3_user.
#include "death.inc"
        DEATH
        FAULT
        int3
        END
