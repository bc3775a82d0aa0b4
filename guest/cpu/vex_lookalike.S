// The bytes C4 and C5 in numbers, displacements, ModR/M bytes and data are not VEX instructions, and VEX
// instructions that are jumped over are not executed: the program runs to its end with or without AVX. Its own text
// reads as it was assembled, before and after the code beside it has run. SDM vol. 2A, 2.3. Status: the number of
// the failed check.
        .intel_syntax noprefix
        .macro  CHECK number, condition
        mov     edi, \number
        j\condition finish
        .endm

        .data
values:
        .quad   0, 0
        .fill   0xc4c5, 1, 0
distant:
        .long   0x12345678

        .text
        .globl  _start
_start:
        mov     ebp, 100
again:
        mov     eax, 0xc5f877c5                 // vzeroupper is C5 F8 77
        cmp     eax, 0xc5f877c5
        CHECK   1, ne
        mov     ebx, OFFSET values
        mov     eax, [rbx + 16 + 0xc4c5]        // a displacement of D5 C4 00 00
        cmp     eax, 0x12345678
        CHECK   2, ne
        mov     ecx, 5
        rol     ecx, 0xc4 & 31                  // C1 C1 04
        .byte   0x83, 0xc5, 0x00                // add ebp, 0: C5 is a ModR/M byte
        movabs  rdx, 0xc4e27918c5f877c4
        bswap   rdx
        cmp     dl, 0xc4
        CHECK   3, ne
        jmp     over
vex:
        vzeroupper                              // C5 F8 77
        vpshufb xmm0, xmm1, xmm2                // C4 E2 71 00 C2
over:
        cmp     byte ptr [rip + vex], 0xc5
        CHECK   4, ne
        cmp     byte ptr [rip + vex + 3], 0xc4
        CHECK   5, ne
        dec     ebp
        jnz     again
        xor     edi, edi
finish:
        mov     eax, 60                         // exit
        syscall
