// sigaltstack(2): with SS_AUTODISARM (1 << 31) a handler runs on the alternate stack, which is cleared while it runs
// and restored when it returns; uc_stack.ss_flags holds the flags as they were set.
#include "raw_signal.h"

#include <linux/signal.h>

#define AUTODISARM (1U << 31)

static char stack[16384];
static unsigned flags_in_frame, flags_inside;
static int was_on_it;

static void handler(int signo, siginfo_t *info, struct raw_ucontext *context)
{
    (void)signo, (void)info;
    stack_t now;
    sys(sigaltstack, NULL, &now);
    flags_inside = now.ss_flags;
    flags_in_frame = context->stack.ss_flags;
    was_on_it = (char *)&now > stack && (char *)&now < stack + sizeof stack;
}

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    stack_t wanted = {.ss_sp = stack, .ss_flags = AUTODISARM, .ss_size = sizeof stack}, now;
    EQ(sys(sigaltstack, &wanted, NULL), 0);
    EQ(raw_handle(SIGUSR1, handler, SA_ONSTACK), 0);
    long pid = sys(getpid);
    EQ(sys(kill, pid, SIGUSR1), 0);
    EQ(was_on_it, 1);
    EQ(flags_inside, SS_DISABLE);
    EQ(flags_in_frame, AUTODISARM);
    EQ(sys(sigaltstack, NULL, &now), 0);
    EQ((unsigned)now.ss_flags, AUTODISARM);
    EQ(now.ss_size, sizeof stack);
    return 0;
}
