// popf with TF set: SIGTRAP, TRAP_TRACE after one more instruction; the address is that of the next one. SDM vol.
// 3B, 18.3.1.4 Single-Step Exception Condition.
#include "death.inc"
        DEATH
        pushfq
        or      dword ptr [rsp], 0x100
        FAULT
        popfq
        nop
        nop
        END
