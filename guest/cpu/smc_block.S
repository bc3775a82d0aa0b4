// A store that changes an instruction a few bytes ahead in the same straight run of code takes effect before that
// instruction is reached. Here the program's own text, made writable by mprotect(2), so the store also breaks a
// copy-on-write page that is executing. SDM vol. 3A, 12.6. Status 1: mprotect; 2: a stale instruction ran.
        .intel_syntax noprefix
        .text
        .globl  _start
_start:
        mov     eax, 10                         // mprotect
        lea     rdi, [rip + _start]
        and     rdi, -4096
        mov     esi, 4096
        mov     edx, 1 | 2 | 4                  // PROT_READ | PROT_WRITE | PROT_EXEC
        syscall
        mov     edi, 1
        test    rax, rax
        jnz     finish

        mov     ecx, 1000
again:
        mov     dword ptr [rip + patched + 1], ecx
        nop
patched:
        mov     eax, 0xdeadbeef                 // its number is the loop counter by now
        mov     edi, 2
        cmp     eax, ecx
        jne     finish
        dec     ecx
        jnz     again
        xor     edi, edi
finish:
        mov     eax, 60                         // exit
        syscall
