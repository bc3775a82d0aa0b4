// LOOPS times getppid(2), nothing else, then one line: what a system call costs on its way in and out.
//
// The difference of the CPU times of two LOOPS leaves the start-up out. getppid never blocks, has no argument and touches
// no memory. The hlt at the end is reached only where exit_group does nothing (bench/empty_hook.py); it raises #GP there.
        .intel_syntax noprefix

        .ifndef LOOPS
        .set    LOOPS, 300000
        .endif

        .section .rodata
message:
        .ascii  "getppid_loop done\n"
        .set    MESSAGE_BYTES, . - message

        .text
        .globl  _start
_start:
        mov     ebx, LOOPS
1:      mov     eax, 110                // getppid
        syscall
        dec     ebx
        jnz     1b

        mov     eax, 1                  // write
        mov     edi, 1                  // to standard output
        lea     rsi, [rip + message]
        mov     edx, MESSAGE_BYTES
        syscall
        mov     eax, 231                // exit_group
        xor     edi, edi
        syscall
        hlt
