// write(2) of one 15-byte string to standard output returns 15, then exit(2) ends the program with status 0.
//
// The smallest real program: two system calls, no libc, no stack. Status 1: the write was not whole.
        .intel_syntax noprefix

        .section .rodata
message:
        .ascii  "Hello, world!!\n"
        .set    MESSAGE_BYTES, . - message

        .text
        .globl  _start
_start:
        mov     eax, 1                  // write
        mov     edi, 1                  // to standard output
        lea     rsi, [rip + message]
        mov     edx, MESSAGE_BYTES
        syscall

        xor     edi, edi
        cmp     rax, MESSAGE_BYTES
        setne   dil                     // status 0 when all 15 bytes were taken
        mov     eax, 60                 // exit
        syscall
