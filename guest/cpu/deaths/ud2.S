// ud2: #UD: SIGILL, ILL_ILLOPN, the address is the instruction's. SDM vol. 2B, UD.
#include "death.inc"
        DEATH
        FAULT
        ud2
        END
