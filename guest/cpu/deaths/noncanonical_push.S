// push with a non-canonical rsp: #SS, which Linux turns into SIGBUS, SI_KERNEL; rsp stays. SDM vol. 2B, PUSH.
#include "death.inc"
        DEATH
        movabs  rsp, 0x0000900000000000
        FAULT
        push    rax
        END
