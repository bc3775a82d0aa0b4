// A new program's registers: rdx 0 (no function for atexit), rsp divisible by 16 and pointing at argc, all other
// general registers 0, arithmetic flags and DF clear, CS 0x33, SS 0x2b, DS ES FS GS 0, FS and GS bases 0. System V
// ABI, AMD64 supplement, 3.4.1; Linux arch/x86/include/asm/elf.h, ELF_PLAT_INIT. Status: the number of the failed
// check.
        .intel_syntax noprefix
        .macro  CHECK number
        mov     edi, \number
        jne     finish
        .endm

        .bss
flags:
        .quad   0
base:
        .quad   0

        .text
        .globl  _start
_start:
        mov     qword ptr [rip + base], rdi             // compared below, before anything else touches them
        pushfq
        pop     qword ptr [rip + flags]
        or      rdx, rdx
        CHECK   1
        or      rax, rax
        CHECK   2
        or      rbx, rbx
        CHECK   3
        or      rcx, rcx
        CHECK   4
        or      rsi, rsi
        CHECK   5
        cmp     qword ptr [rip + base], 0               // rdi
        CHECK   6
        or      rbp, rbp
        CHECK   7
        or      r8, r9
        or      r8, r10
        or      r8, r11
        or      r8, r12
        or      r8, r13
        or      r8, r14
        or      r8, r15
        CHECK   8
        test    spl, 15
        CHECK   9
        cmp     qword ptr [rsp], 1                      // argc
        CHECK   10
        cmp     qword ptr [rip + flags], 0x202          // IF and the bit that is always 1
        CHECK   11

        mov     eax, cs
        cmp     eax, 0x33
        CHECK   12
        mov     eax, ss
        cmp     eax, 0x2b
        CHECK   13
        mov     eax, ds
        cmp     eax, 0
        CHECK   14
        mov     eax, es
        cmp     eax, 0
        CHECK   15
        mov     eax, fs
        cmp     eax, 0
        CHECK   16
        mov     eax, gs
        cmp     eax, 0
        CHECK   17

        mov     eax, 158                                // arch_prctl
        mov     edi, 0x1003                             // ARCH_GET_FS
        lea     rsi, [rip + base]
        syscall
        cmp     rax, 0
        CHECK   18
        cmp     qword ptr [rip + base], 0
        CHECK   19
        mov     eax, 158
        mov     edi, 0x1004                             // ARCH_GET_GS
        lea     rsi, [rip + base]
        syscall
        cmp     rax, 0
        CHECK   20
        cmp     qword ptr [rip + base], 0
        CHECK   21
        xor     edi, edi
finish:
        mov     eax, 60                                 // exit
        syscall
