// An instruction of sixteen bytes: #GP for its length before anything else: SIGSEGV, SI_KERNEL, address 0. SDM vol.
// 2A, 2.3.11 (instruction length limit is 15).
#include "death.inc"
        DEATH
        FAULT
        .fill   15, 1, 0x66
        nop
        END
