// status: 7
//
// exit_group(2) ends the process with the low 8 bits of its argument, of which only an int's worth counts at all.
        .intel_syntax noprefix
        .text
        .globl  _start
_start:
        movabs  rdi, 0x1234567800000107
        mov     eax, 231
        syscall
        ud2
