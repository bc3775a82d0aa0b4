// rsm outside system management mode: #UD: SIGILL, ILL_ILLOPN, the address is the instruction's. SDM vol. 2B, RSM.
#include "death.inc"
        DEATH
        FAULT
        rsm
        END
