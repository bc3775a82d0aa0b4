// in from a port the I/O bitmap does not allow: #GP, which Linux turns into SIGSEGV, SI_KERNEL, address 0, at the
// instruction itself. SDM vol. 2A, IN; ioperm(2).
#include "death.inc"
        DEATH
        FAULT
        in      al, 0x80
        END
