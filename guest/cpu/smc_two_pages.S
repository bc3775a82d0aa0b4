// As smc_block, with the store at the end of one page and the instruction it changes at the start of the next: a
// translated block that covers both pages must notice. SDM vol. 3A, 12.6. Status 1: mprotect; 2: a stale instruction
// ran.
        .intel_syntax noprefix
        .text
        .globl  _start
_start:
        mov     eax, 10                         // mprotect
        lea     rdi, [rip + _start]
        and     rdi, -4096
        mov     esi, 3 * 4096
        mov     edx, 1 | 2 | 4                  // PROT_READ | PROT_WRITE | PROT_EXEC
        syscall
        mov     edi, 1
        test    rax, rax
        jnz     finish
        mov     ecx, 1000
        jmp     again

        .balign 4096
        .fill   4096 - 7, 1, 0x90
again:
        mov     dword ptr [rip + patched + 1], ecx      // 6 bytes, the last ones of the page but one
        nop
patched:                                        // the first byte of a page
        mov     eax, 0xdeadbeef
        mov     edi, 2
        cmp     eax, ecx
        jne     finish
        dec     ecx
        jnz     again
        xor     edi, edi
finish:
        mov     eax, 60                         // exit
        syscall
        .if     (patched - again) != 7
        .error  "the store must end its page"
        .endif
