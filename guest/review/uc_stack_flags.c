// rt_sigreturn(2), sigaltstack(2): uc_stack.ss_flags is what was set, not the state: 0 before any sigaltstack and while
// on the stack, SS_ONSTACK where the program passed SS_ONSTACK (include/linux/signal.h, unsafe_save_altstack).
#include "raw_signal.h"

#include <linux/signal.h>

static char stack[16384];
static int seen[4], depth;

static void handler(int signo, siginfo_t *info, struct raw_ucontext *context)
{
    (void)info;
    seen[depth++] = context->stack.ss_flags;
    long pid = sys(getpid);
    if (depth == 2)
        sys(kill, pid, signo);
}

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    long pid = sys(getpid);
    EQ(raw_handle(SIGUSR1, handler, SA_ONSTACK | SA_NODEFER), 0);
    sys(kill, pid, SIGUSR1);
    EQ(seen[0], 0);
    stack_t wanted = {.ss_sp = stack, .ss_flags = 0, .ss_size = sizeof stack};
    EQ(sys(sigaltstack, &wanted, NULL), 0);
    sys(kill, pid, SIGUSR1); // and once more on the stack itself
    EQ(depth, 3);
    EQ(seen[1], 0);
    EQ(seen[2], 0);
    wanted.ss_flags = SS_ONSTACK;
    EQ(sys(sigaltstack, &wanted, NULL), 0);
    sys(kill, pid, SIGUSR1);
    EQ(seen[3], SS_ONSTACK);
    return 0;
}
