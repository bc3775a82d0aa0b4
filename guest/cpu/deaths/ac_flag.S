// A misaligned read with EFLAGS.AC set (Linux sets CR0.AM): #AC: SIGBUS, BUS_ADRALN. SDM vol. 3A, 6.15, interrupt
// 17; arch/x86/kernel/traps.c, exc_alignment_check.
#include "death.inc"
        DEATH
        pushfq
        or      dword ptr [rsp], 0x40000
        FAULT
        popfq
        mov     eax, [scratch + 1]
        END
