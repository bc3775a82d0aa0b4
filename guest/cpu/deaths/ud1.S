// ud1 with operands: #UD: SIGILL, ILL_ILLOPN, the address is the instruction's. SDM vol. 2B, UD.
#include "death.inc"
        DEATH
        FAULT
        ud1     eax, [scratch]
        END
