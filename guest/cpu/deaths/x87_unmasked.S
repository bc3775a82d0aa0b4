// An unmasked x87 zero divide: the next waiting x87 instruction raises #MF: SIGFPE, FPE_FLTDIV, at that instruction.
// SDM vol. 1, 8.7.1; arch/x86/kernel/traps.c, math_error.
#include "death.inc"
        DEATH
        fninit
        push    0x37b                   // control word with ZM clear
        fldcw   [rsp]
        fld1
        fldz
        fdivp
        FAULT
        fwait
        END
