// rt_sigprocmask(2): BLOCK adds, UNBLOCK takes away, SETMASK replaces, KILL and STOP cannot be blocked; the old mask
// comes back; `how` is looked at only with a new set; the size must be 8.
#include "raw.h"

#include <asm/signal.h>

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    unsigned long set, old = 1;
    EQ(sys(rt_sigprocmask, SIG_BLOCK, NULL, &old, 8), 0);
    EQ(old, 0);
    set = 1UL << (SIGUSR1 - 1) | 1UL << (SIGKILL - 1) | 1UL << (SIGSTOP - 1);
    EQ(sys(rt_sigprocmask, SIG_BLOCK, &set, &old, 8), 0);
    EQ(old, 0);
    set = 1UL << (SIGUSR2 - 1);
    EQ(sys(rt_sigprocmask, SIG_BLOCK, &set, &old, 8), 0);
    EQ(old, 1UL << (SIGUSR1 - 1));
    set = 1UL << (SIGUSR1 - 1);
    EQ(sys(rt_sigprocmask, SIG_UNBLOCK, &set, &old, 8), 0);
    EQ(old, 1UL << (SIGUSR1 - 1) | 1UL << (SIGUSR2 - 1));
    set = ~0UL;
    EQ(sys(rt_sigprocmask, SIG_SETMASK, &set, &old, 8), 0);
    EQ(old, 1UL << (SIGUSR2 - 1));
    EQ(sys(rt_sigprocmask, 99, NULL, &old, 8), 0);      // nothing new: how does not matter
    EQ(old, ~(1UL << (SIGKILL - 1) | 1UL << (SIGSTOP - 1)));
    EQ(sys(rt_sigprocmask, 99, &set, NULL, 8), -EINVAL);
    EQ(sys(rt_sigprocmask, SIG_SETMASK, &set, NULL, 4), -EINVAL);
    EQ(sys(rt_sigprocmask, SIG_SETMASK, NULL, NULL, 8), 0);
    EQ(sys(rt_sigprocmask, SIG_SETMASK, BAD_POINTER, NULL, 8), -EFAULT);
    EQ(sys(rt_sigprocmask, SIG_SETMASK, NULL, BAD_POINTER, 8), -EFAULT);
    set = 0;
    EQ(sys(rt_sigprocmask, SIG_SETMASK, &set, BAD_POINTER, 8), -EFAULT);
    EQ(sys(rt_sigprocmask, SIG_BLOCK, NULL, &old, 8), 0);
    EQ(old, 0);                                         // the mask was set all the same
    return 0;
}
