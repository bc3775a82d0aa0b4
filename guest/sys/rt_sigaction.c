// rt_sigaction(2) records what it is told and gives it back: handler, flags, restorer, mask without KILL and STOP;
// those two and unknown numbers are EINVAL; the mask's size must be 8; SIG_IGN and SIG_DFL; EFAULT. No signal is
// sent here.
#include "raw.h"

#include <asm/signal.h>

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    struct sigaction new, old;
    memset(&new, 0, sizeof new);
    new.sa_handler = (__sighandler_t)0x12345678;
    new.sa_flags = SA_RESTORER | SA_RESTART | SA_SIGINFO | SA_NODEFER;
    new.sa_restorer = (__sigrestore_t)0x87654321;
    new.sa_mask = ~0UL;
    EQ(sys(rt_sigaction, SIGUSR1, NULL, &old, 8), 0);
    EQ(old.sa_handler, SIG_DFL);
    EQ(old.sa_flags, 0);
    EQ(old.sa_mask, 0);
    EQ(sys(rt_sigaction, SIGUSR1, &new, &old, 8), 0);
    EQ(old.sa_handler, SIG_DFL);
    EQ(sys(rt_sigaction, SIGUSR1, NULL, &old, 8), 0);
    EQ(old.sa_handler, 0x12345678);
    EQ(old.sa_flags, SA_RESTORER | SA_RESTART | SA_SIGINFO | SA_NODEFER);
    EQ(old.sa_restorer, 0x87654321);
    EQ(old.sa_mask, ~(1UL << (SIGKILL - 1) | 1UL << (SIGSTOP - 1)));
    new.sa_handler = SIG_IGN;
    EQ(sys(rt_sigaction, SIGUSR1, &new, NULL, 8), 0);
    EQ(sys(rt_sigaction, SIGUSR1, NULL, &old, 8), 0);
    EQ(old.sa_handler, SIG_IGN);
    EQ(sys(rt_sigaction, SIGRTMIN, &new, NULL, 8), 0);
    EQ(sys(rt_sigaction, 64, &new, NULL, 8), 0);
    new.sa_handler = SIG_DFL;
    EQ(sys(rt_sigaction, SIGUSR1, &new, NULL, 8), 0);

    // SA_UNSUPPORTED and unknown bits are cleared, so that a program can find out what the kernel knows (5.11).
    new.sa_flags = 0x400 | SA_RESTORER;
    EQ(sys(rt_sigaction, SIGUSR2, &new, NULL, 8), 0);
    EQ(sys(rt_sigaction, SIGUSR2, NULL, &old, 8), 0);
    EQ(old.sa_flags & 0x400, 0);

    EQ(sys(rt_sigaction, SIGKILL, &new, NULL, 8), -EINVAL);
    EQ(sys(rt_sigaction, SIGSTOP, &new, NULL, 8), -EINVAL);
    EQ(sys(rt_sigaction, SIGKILL, NULL, &old, 8), 0);   // asking is allowed
    EQ(sys(rt_sigaction, 0, NULL, &old, 8), -EINVAL);
    EQ(sys(rt_sigaction, 65, NULL, &old, 8), -EINVAL);
    EQ(sys(rt_sigaction, -1, NULL, &old, 8), -EINVAL);
    EQ(sys(rt_sigaction, SIGUSR1, NULL, &old, 16), -EINVAL);
    EQ(sys(rt_sigaction, SIGUSR1, BAD_POINTER, NULL, 8), -EFAULT);
    EQ(sys(rt_sigaction, SIGUSR1, NULL, BAD_POINTER, 8), -EFAULT);
    EQ(sys(rt_sigaction, 65, BAD_POINTER, NULL, 8), -EFAULT);           // fetched before it is looked at
    EQ(sys(rt_sigaction, SIGUSR1, NULL, NULL, 8), 0);
    return 0;
}
