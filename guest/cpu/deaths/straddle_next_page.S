// variants: page_end
//
// An instruction whose last bytes lie in an unmapped page: SIGSEGV, SEGV_MAPERR, RIP is its start, the address the
// page. SDM vol. 3A, 6.15, interrupt 14.
#include "death.inc"
        DEATH
        FAULT
        .byte   0x48, 0xb8, 1, 2, 3
        BODY_END
        .byte   4, 5, 6, 7, 8
        SURVIVE
