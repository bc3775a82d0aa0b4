// The vDSO: the functions that libc finds through AT_SYSINFO_EHDR (vdso(7)).
//
// Each makes the system call whose answer it gives. The kernel knows by RIP that such a call comes from
// here and does not log it: to a program, and to strace, a vDSO function is not a system call.

        .intel_syntax noprefix
        .text

        .macro  vdso name, number
        .globl  __vdso_\name
        .type   __vdso_\name, @function
        .weak   \name
        .set    \name, __vdso_\name
__vdso_\name:
        .cfi_startproc
        mov     eax, \number
        syscall
        ret
        .cfi_endproc
        .size   __vdso_\name, . - __vdso_\name
        .balign 16, 0xcc
        .endm

        vdso    clock_gettime, 228
        vdso    gettimeofday, 96
        vdso    time, 201
        vdso    clock_getres, 229
        vdso    getcpu, 309

        .section .note.Linux, "a", @note
        .long   6, 4, 0                 // name and descriptor sizes, type
        .asciz  "Linux"
        .balign 4
        .long   0x060100                // LINUX_VERSION_CODE 6.1.0
        .section .note.GNU-stack, "", @progbits
