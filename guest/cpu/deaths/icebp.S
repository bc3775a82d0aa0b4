// int1 (F1, icebp): SIGTRAP, TRAP_BRKPT, RIP after the instruction on real hardware; KVM on AMD leaves it at the
// instruction. SDM vol. 2A, INT1; arch/x86/kernel/traps.c, exc_debug_user.
#include "death.inc"
        DEATH
        FAULT
        .byte   0xf1
        END
