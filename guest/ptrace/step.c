// ptrace(2): PTRACE_SINGLESTEP over plain instructions, calls, system calls, handlers, popf and rep; breakpoints by POKE.
#include "raw_ptrace.h"

static volatile int *page;

static void on_signal(int signo, siginfo_t *info, struct raw_ucontext *context)
{
    (void)info;
    page[5] = signo;
    page[6] = context->eflags >> 8 & 1;
}

// Labels for the tracer
void code_start(void), code_syscall(void), code_after(void), code_rep(void), code_popf(void), code_end(void);
__asm__(".text\n"
        ".globl code_start, code_syscall, code_after, code_rep, code_popf, code_end\n"
        "code_start:\n"
        "    nop\n"
        "    mov $39, %eax\n"
        "code_syscall:\n"
        "    syscall\n"
        "code_after:\n"
        "    mov %eax, %ebx\n"
        "    lea -64(%rsp), %rdi\n"
        "    mov $5, %ecx\n"
        "    xor %eax, %eax\n"
        "code_rep:\n"
        "    rep stosb\n"
        "    pushf\n"
        "    pop %rdx\n"
        "    push %rdx\n"
        "code_popf:\n"
        "    popf\n"
        "    nop\n"
        "code_end:\n"
        "    ret\n");

static int run_code(void)
{
    long (*code)(void) = (long (*)(void))code_start;
    long result;
    __asm__ volatile("call *%1" : "=a"(result) : "r"(code) : "rbx", "rcx", "rdx", "rdi", "r11", "memory");
    return 9;
}

static int handled(void)
{
    raw_handle(SIGUSR1, on_signal, 0);
    sys(kill, self(), SIGUSR1);
    return 0;
}

static int twice(void)
{
    run_code();
    run_code();
    return 1;
}

static void step(long pid)
{
    check(201, __LINE__, TRACE(PTRACE_SINGLESTEP, pid, 0, 0) == 0, "PTRACE_SINGLESTEP");
    equal(202, __LINE__, next_stop(pid), STOPPED(SIGTRAP), "status");
}

static void break_at(long pid, void (*where)(void))
{
    long word = peek(pid, (void *)where);
    check(203, __LINE__, TRACE(PTRACE_POKETEXT, pid, where, (word & ~0xffL) | 0xcc) == 0, "PTRACE_POKETEXT");
    check(204, __LINE__, TRACE(PTRACE_CONT, pid, 0, 0) == 0, "PTRACE_CONT");
    equal(205, __LINE__, next_stop(pid), STOPPED(SIGTRAP), "status");
    equal(206, __LINE__, peek_user(pid, USER(rip)), (long)where + 1, "rip");
    siginfo_t info = siginfo(pid);
    equal(207, __LINE__, info.si_code, SI_KERNEL, "si_code of int3");
    check(208, __LINE__, TRACE(PTRACE_POKETEXT, pid, where, word) == 0, "PTRACE_POKETEXT");
    check(209, __LINE__, TRACE(PTRACE_POKEUSR, pid, USER(rip), where) == 0, "PTRACE_POKEUSR");
}

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    page = shared(PAGE);
    long word = *(volatile long *)code_start;

    long pid = traced(run_code);
    break_at(pid, code_start);
    EQ(peek_user(pid, USER(eflags)) >> 8 & 1, 0);
    EQ(*(volatile long *)code_start, word);             // ours is another copy of the page
    step(pid);                                          // nop
    EQ(peek_user(pid, USER(rip)), (long)code_start + 1);
    siginfo_t info = siginfo(pid);
    EQ(info.si_code, TRAP_TRACE);
    EQ((long)info.si_addr, (long)code_start + 1);
    EQ(peek_user(pid, USER(eflags)) >> 8 & 1, 0);       // the flag is not shown
    step(pid);
    EQ(peek_user(pid, USER(rip)), (long)code_syscall);
    step(pid);                                          // a system call is one step
    EQ(peek_user(pid, USER(rip)), (long)code_after);
    EQ(peek_user(pid, USER(rax)), pid);
    info = siginfo(pid);
    EQ(info.si_code, TRAP_BRKPT);
    EQ((long)info.si_addr, (long)code_after);
    EQ(peek_user(pid, USER(r11)) >> 8 & 1, 1);          // here it is
    step(pid);
    EQ(peek_user(pid, USER(rip)), (long)code_after + 2);
    EQ(peek_user(pid, USER(rbx)), pid);
    step(pid);
    step(pid);
    step(pid);
    EQ(peek_user(pid, USER(rip)), (long)code_rep);
    for (int i = 4; i > 0; i--) {                       // every round of it
        step(pid);
        EQ(peek_user(pid, USER(rip)), (long)code_rep);
        EQ(peek_user(pid, USER(rcx)), i);
    }
    step(pid);
    EQ(peek_user(pid, USER(rcx)), 0);
    EQ(peek_user(pid, USER(rip)), (long)code_rep + 2);
    step(pid);                                          // pushf: with the trap flag
    EQ(peek(pid, (void *)peek_user(pid, USER(rsp))) >> 8 & 1, 1);
    EQ(TRACE(PTRACE_POKEDATA, pid, peek_user(pid, USER(rsp)), 0x246), 0);
    step(pid);
    EQ(peek_user(pid, USER(rdx)), 0x246);
    step(pid);
    EQ(peek_user(pid, USER(rip)), (long)code_popf);
    step(pid);                                          // popf clears the flag, but the CPU has seen it before
    EQ(peek_user(pid, USER(rip)), (long)code_popf + 1);
    step(pid);
    EQ(peek_user(pid, USER(rip)), (long)code_end);
    EQ(sys(kill, pid, SIGKILL), 0);
    EQ(next_stop(pid), SIGKILL);

    // rip and registers that the tracer changes
    pid = traced(twice);
    break_at(pid, code_start);
    EQ(TRACE(PTRACE_POKEUSR, pid, USER(rip), code_end), 0);
    break_at(pid, code_popf);                           // in the second round
    struct user_regs regs = registers(pid);
    regs.rip = (long)code_end, regs.rsp += 8, regs.r15 = 0x1122334455667788;
    EQ(TRACE(PTRACE_SETREGS, pid, 0, &regs), 0);
    step(pid);
    EQ(peek_user(pid, USER(r15)), 0x1122334455667788);
    EQ(TRACE(PTRACE_CONT, pid, 0, 0), 0);
    EQ(next_stop(pid), EXITED(1));

    // a step into a handler stops at its first instruction, and the frame does not show the trap flag
    pid = traced(handled);
    EQ(TRACE(PTRACE_CONT, pid, 0, 0), 0);
    EQ(next_stop(pid), STOPPED(SIGUSR1));
    EQ(TRACE(PTRACE_SINGLESTEP, pid, 0, SIGUSR1), 0);
    EQ(next_stop(pid), STOPPED(SIGTRAP));
    EQ(peek_user(pid, USER(rip)), (long)on_signal);
    EQ(peek_user(pid, USER(rdi)), SIGUSR1);
    info = siginfo(pid);
    EQ(info.si_code, SIGTRAP);
    EQ(info.si_pid, pid);
    EQ(TRACE(PTRACE_CONT, pid, 0, 0), 0);
    EQ(next_stop(pid), EXITED(0));
    EQ(page[5], SIGUSR1);
    EQ(page[6], 0);

    // a step over a system call that ends the thread
    pid = traced(run_code);
    break_at(pid, code_syscall);
    EQ(TRACE(PTRACE_POKEUSR, pid, USER(rax), __NR_exit_group), 0);
    EQ(TRACE(PTRACE_POKEUSR, pid, USER(rdi), 3), 0);
    EQ(TRACE(PTRACE_SINGLESTEP, pid, 0, 0), 0);
    EQ(next_stop(pid), EXITED(3));

    // a program's own trap flag is its own
    pid = traced(run_code);
    break_at(pid, code_start);
    EQ(TRACE(PTRACE_POKEUSR, pid, USER(eflags), peek_user(pid, USER(eflags)) | 0x100), 0);
    EQ(peek_user(pid, USER(eflags)) >> 8 & 1, 1);
    EQ(TRACE(PTRACE_CONT, pid, 0, 0), 0);
    EQ(next_stop(pid), STOPPED(SIGTRAP));
    EQ(peek_user(pid, USER(rip)), (long)code_start + 1);
    EQ(peek_user(pid, USER(eflags)) >> 8 & 1, 1);
    EQ(TRACE(PTRACE_CONT, pid, 0, 0), 0);
    EQ(next_stop(pid), STOPPED(SIGTRAP));
    EQ(peek_user(pid, USER(rip)), (long)code_syscall);
    EQ(TRACE(PTRACE_POKEUSR, pid, USER(eflags), peek_user(pid, USER(eflags)) & ~0x100L), 0);
    EQ(TRACE(PTRACE_CONT, pid, 0, 0), 0);
    EQ(next_stop(pid), EXITED(9));
    return 0;
}
