// int 1 (CD 01): the debug gate is closed to CPL 3: #GP, which Linux turns into SIGSEGV, SI_KERNEL, address 0, at
// the instruction itself. Not SIGTRAP. SDM vol. 2A, INT n.
#include "death.inc"
        DEATH
        FAULT
        .byte   0xcd, 0x01
        END
