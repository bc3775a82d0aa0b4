// kernel/signal.c, signal_setup_done: a frame that the stack does not take is a forced SIGSEGV, which a handler on the
// alternate stack catches (si_code SI_KERNEL) - not the end of the process.
#include "raw_signal.h"

static char stack[16384];

static void never(int signo, siginfo_t *info, struct raw_ucontext *context)
{
    (void)signo, (void)info, (void)context;
    sys(exit_group, 99);
}

static void caught(int signo, siginfo_t *info, struct raw_ucontext *context)
{
    (void)context;
    EQ(signo, SIGSEGV);
    EQ(info->si_code, SI_KERNEL);
    sys(exit_group, 0);
}

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    stack_t wanted = {.ss_sp = stack, .ss_flags = 0, .ss_size = sizeof stack};
    EQ(sys(sigaltstack, &wanted, NULL), 0);
    EQ(raw_handle(SIGUSR1, never, 0), 0);
    EQ(raw_handle(SIGSEGV, caught, SA_ONSTACK), 0);
    long pid = sys(getpid);
    __asm__ volatile("mov $0x10000, %%rsp\n syscall\n ud2" : : "a"(__NR_kill), "D"(pid), "S"(SIGUSR1) : "rcx", "r11");
    return 98;
}
