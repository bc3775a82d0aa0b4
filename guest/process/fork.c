// fork(2): memory is copied both ways, descriptors share their position, pid and ppid are new, pending signals and
// alarms are not inherited, mask and dispositions are, and a child is waited for once.
#include "raw_process.h"

static volatile int number = 1;
static volatile int got;

static void on_signal(int signo, siginfo_t *info, struct raw_ucontext *context)
{
    (void)info, (void)context;
    got = signo;
}

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    int *both = shared(PAGE);
    char *page = map(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, 0);
    page[0] = 'a', page[2 * PAGE] = 'b';
    long own = self();
    int pipe[2];
    EQ(sys(pipe, pipe), 0);
    int fd = sys(open, "file", O_RDWR | O_CREAT | O_TRUNC, 0600);
    EQ(sys(write, fd, "0123456789", 10), 10);
    EQ(sys(lseek, fd, 2, 0), 2);

    unsigned long mask = 1UL << (SIGUSR1 - 1) | 1UL << (SIGUSR2 - 1);
    EQ(sys(rt_sigprocmask, SIG_BLOCK, &mask, NULL, 8), 0);
    raw_handle(SIGUSR2, on_signal, 0);
    EQ(sys(kill, own, SIGUSR1), 0);
    EQ(sys(alarm, 1000), 0);

    long child = sys(fork);
    CHECK(child >= 0);
    if (child == 0) {
        EQ(sys(getppid), own);
        CHECK(self() != own);
        EQ(sys(gettid), self());
        EQ(sys(getpgrp), sys(getpgid, own));
        EQ(sys(getsid, 0), sys(getsid, own));
        unsigned long pending = -1, now = 0;
        EQ(sys(rt_sigpending, &pending, 8), 0);
        EQ(pending, 0);                                 // the parent's SIGUSR1 is the parent's
        EQ(sys(rt_sigprocmask, SIG_BLOCK, NULL, &now, 8), 0);
        EQ(now & mask, mask);
        EQ(sys(alarm, 0), 0);
        sys(kill, self(), SIGUSR2);
        now = 0;
        EQ(sys(rt_sigprocmask, SIG_SETMASK, &now, NULL, 8), 0);
        EQ(got, SIGUSR2);
        number = 2;
        page[0] = 'c';
        EQ(page[2 * PAGE], 'b');
        both[0] = 7;
        char byte;
        EQ(sys(read, fd, &byte, 1), 1);
        EQ(byte, '2');
        EQ(sys(write, pipe[1], "x", 1), 1);
        quit(33);
    }
    page[2 * PAGE] = 'd';
    char byte = 0;
    EQ(sys(read, pipe[0], &byte, 1), 1);
    EQ(byte, 'x');
    EQ(wait_status(child), EXITED(33));
    EQ(number, 1);
    EQ(page[0], 'a');
    EQ(both[0], 7);
    EQ(sys(lseek, fd, 0, 1), 3);                        // the child's read moved it
    CHECK(sys(alarm, 0) > 900);
    unsigned long pending = 0;
    EQ(sys(rt_sigpending, &pending, 8), 0);
    EQ(pending, 1UL << (SIGUSR1 - 1));
    EQ(sys(wait4, child, NULL, 0, NULL), -ECHILD);
    EQ(sys(kill, child, 0), -ESRCH);

    // memory that only the grandchild writes, and a chain of exits
    child = sys(fork);
    if (child == 0) {
        long grandchild = sys(fork);
        if (grandchild == 0) {
            page[0] = 'e', both[1] = page[0];
            quit(1);
        }
        quit(wait_status(grandchild) == EXITED(1) && page[0] == 'a' ? 2 : 3);
    }
    EQ(wait_status(child), EXITED(2));
    EQ(both[1], 'e');

    // a child that dies of a signal, and one that dumps no core because it is SIGKILL
    child = sys(fork);
    if (child == 0) {
        sys(kill, self(), SIGTERM);
        quit(9);
    }
    EQ(wait_status(child), SIGTERM);
    child = sys(fork);
    if (child == 0)
        for (;;)
            ;
    nap(5);
    EQ(sys(kill, child, SIGKILL), 0);
    EQ(wait_status(child), SIGKILL);
    return 0;
}
