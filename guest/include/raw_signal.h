// Signal handlers without a libc: rt_sigaction(2) with a restorer, and where the interrupted registers lie.
#ifndef RAW_SIGNAL_H
#define RAW_SIGNAL_H

#include "raw.h"

#include <asm/siginfo.h>
#include <asm/signal.h>

// struct ucontext of arch/x86/include/uapi/asm/ucontext.h, which its header gives to the kernel only
struct raw_ucontext {
    unsigned long flags;
    struct raw_ucontext *link;
    stack_t stack;
    unsigned long r8, r9, r10, r11, r12, r13, r14, r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, eflags;
};

typedef void raw_handler(int signo, siginfo_t *info, struct raw_ucontext *context);

void raw_restorer(void);
__asm__(".text\n"
        ".globl raw_restorer\n"
        "raw_restorer:\n"
        "    mov $15, %eax\n" // rt_sigreturn
        "    syscall\n");

static inline long raw_handle(int signo, raw_handler *handler, unsigned long flags)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = (__sighandler_t)(uintptr_t)handler;
    action.sa_flags = flags | SA_SIGINFO | SA_RESTORER;
    action.sa_restorer = raw_restorer;
    return sys(rt_sigaction, signo, &action, NULL, 8);
}

#endif
