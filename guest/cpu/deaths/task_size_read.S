// Reading the last page below the canonical hole, which Linux never maps: SIGSEGV, SEGV_MAPERR.
// arch/x86/include/asm/page_64_types.h, TASK_SIZE_MAX.
#include "death.inc"
        DEATH
        movabs  rbx, 0x00007ffffffff000
        FAULT
        mov     rax, [rbx]
        END
