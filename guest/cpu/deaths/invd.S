// invd at CPL 3: #GP, which Linux turns into SIGSEGV, SI_KERNEL, address 0, at the instruction itself. SDM vol. 2A,
// INVD.
#include "death.inc"
        DEATH
        FAULT
        invd
        END
