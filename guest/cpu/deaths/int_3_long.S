// int 3 in its two-byte form (CD 03): SIGTRAP, SI_KERNEL, RIP after the instruction. SDM vol. 2A, INT n.
#include "death.inc"
        DEATH
        FAULT
        .byte   0xcd, 0x03
        END
