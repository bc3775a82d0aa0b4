// Eight pushes fill the x87 register stack; the ninth is a stack overflow: SF, C1 and IE are set in the status word and,
// masked, the result is the indefinite NaN; a pop of an empty stack is an underflow: SF and IE with C1 clear.
// SDM vol. 1, 8.5.1.1. Status: the number of the failed check.
        .intel_syntax noprefix
        .macro  CHECK number
        mov     edi, \number
        jne     finish
        .endm

        .text
        .globl  _start
_start:
        fninit
        .rept   8
        fld1
        .endr
        fnstsw  ax
        test    eax, 0x41                               // SF and IE
        setnz   al
        cmp     al, 0
        CHECK   1
        fld1
        fnstsw  ax
        and     eax, 0x241                              // C1, SF, IE
        cmp     eax, 0x241
        CHECK   2
        fxam                                            // a NaN, negative: C3 C2 C0 = 0 0 1, C1 = 1
        fnstsw  ax
        and     eax, 0x4700
        cmp     eax, 0x0300
        CHECK   3

        fninit
        fstp    st(0)
        fnstsw  ax
        and     eax, 0x241
        cmp     eax, 0x041
        CHECK   4
        xor     edi, edi
finish:
        mov     eax, 60                                 // exit
        syscall
