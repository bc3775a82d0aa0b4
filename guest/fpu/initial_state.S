// A new program's floating point is as FNINIT and the ABI leave it: control word 0x37F (all exceptions masked, 64-bit
// precision, round to nearest), status 0, all tags empty, MXCSR 0x1F80, XMM registers zero. System V ABI, AMD64
// supplement, 3.4.1; Linux arch/x86/kernel/fpu/core.c, fpstate_init_user. Status: the number of the failed check.
        .intel_syntax noprefix
        .macro  CHECK number
        mov     edi, \number
        jne     finish
        .endm

        .bss
        .balign 16
image:
        .fill   512, 1, 0

        .text
        .globl  _start
_start:
        fxsave  [rip + image]
        cmp     word ptr [rip + image], 0x37f           // FCW
        CHECK   1
        cmp     word ptr [rip + image + 2], 0           // FSW
        CHECK   2
        cmp     byte ptr [rip + image + 4], 0           // abridged FTW: 0 is empty
        CHECK   3
        cmp     dword ptr [rip + image + 24], 0x1f80    // MXCSR
        CHECK   4

        fnstenv [rip + image]
        cmp     word ptr [rip + image], 0x37f
        CHECK   5
        cmp     word ptr [rip + image + 8], 0xffff      // FTW: every register empty
        CHECK   6

        fxsave  [rip + image]
        lea     rsi, [rip + image + 160]                // XMM0 to XMM15
        mov     ecx, 32
next_half:
        cmp     qword ptr [rsi], 0
        CHECK   7
        add     rsi, 8
        dec     ecx
        jnz     next_half

        xor     edi, edi
finish:
        mov     eax, 60                                 // exit
        syscall
