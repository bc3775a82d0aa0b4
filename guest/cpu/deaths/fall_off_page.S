// variants: page_end
//
// Execution that simply runs on into an unmapped page: SIGSEGV, SEGV_MAPERR, RIP and address are the page's first
// byte. sigaction(2).
#include "death.inc"
        DEATH
        FAULT
        mov     eax, 1
        lea     rcx, [rax + rax]
        END
