// A segment with no bytes in the file (p_filesz 0) is zero memory; another that is all file is not writable.
// elf(5) PT_LOAD. Status: the number of the failed check.
        .intel_syntax noprefix
        .bss
        .balign 4096
space:
        .fill   3 * 4096, 1, 0
        .text
        .globl  _start
_start:
        lea     rsi, [rip + space]
        mov     ecx, 3 * 4096 / 8
        mov     edi, 1
again:
        cmp     qword ptr [rsi], 0
        jne     finish
        mov     qword ptr [rsi], rcx
        add     rsi, 8
        dec     ecx
        jnz     again
        mov     edi, 2
        cmp     qword ptr [rip + space], 3 * 4096 / 8
        jne     finish
        mov     eax, 228                // clock_gettime into text: EFAULT
        mov     edi, 1
        lea     rsi, [rip + _start]
        syscall
        mov     edi, 3
        cmp     rax, -14
        jne     finish
        xor     edi, edi
finish:
        mov     eax, 60                 // exit
        syscall
