// execve(2): what stays (pid, mask, ignored signals, pending ones, itimers, descriptors without FD_CLOEXEC, directory)
// and what goes (handlers, alternate stack, FD_CLOEXEC ones); a failed one leaves the caller as it was; the limits of
// strings; scripts, whose interpreter forks.
#include "raw_process.h"

static char *none[] = {NULL};

static void on_signal(int signo, siginfo_t *info, struct raw_ucontext *context)
{
    (void)signo, (void)info, (void)context;
}

static void put(const char *path, const char *text, int mode)
{
    int fd = sys(open, path, O_WRONLY | O_CREAT | O_TRUNC, mode);
    CHECK(fd >= 0);
    sys(write, fd, text, strlen(text));
    sys(close, fd);
}

static int after(char **argv, char **envp)
{
    struct sigaction action;
    CHECK(strcmp(argv[2], "") == 0);
    CHECK(strcmp(envp[0], "A=b") == 0 && envp[1] == NULL);
    EQ(sys(rt_sigaction, SIGUSR1, NULL, &action, 8), 0);
    EQ((long)action.sa_handler, (long)SIG_DFL);
    EQ(action.sa_flags, 0);
    EQ(sys(rt_sigaction, SIGUSR2, NULL, &action, 8), 0);
    EQ((long)action.sa_handler, (long)SIG_IGN);
    unsigned long mask = 0, pending = 0;
    EQ(sys(rt_sigprocmask, SIG_BLOCK, NULL, &mask, 8), 0);
    EQ(mask, 1UL << (SIGHUP - 1));
    EQ(sys(rt_sigpending, &pending, 8), 0);
    EQ(pending, 1UL << (SIGHUP - 1));
    stack_t stack;
    EQ(sys(sigaltstack, NULL, &stack), 0);
    EQ(stack.ss_flags, 2);                              // SS_DISABLE
    EQ(sys(fcntl, 20, F_GETFD), 0);
    EQ(sys(fcntl, 21, F_GETFD), -EBADF);
    CHECK(sys(alarm, 0) > 900);
    char byte;
    EQ(sys(read, 20, &byte, 1), 1);
    EQ(byte, 'f');                                      // the position stays too
    long pid = 0;
    EQ(sys(pread64, 20, &pid, sizeof pid, 100), sizeof pid);
    EQ(pid, self());
    return 0;
}

int main(int argc, char **argv, char **envp)
{
    if (argc == 3 && argv[1][0] == 'a')
        return after(argv, envp);
    if (argc == 2)
        return 7;

    raw_handle(SIGUSR1, on_signal, 0);
    EQ(sys(execve, "none", none, none), -ENOENT);
    EQ(sys(execve, "", none, none), -ENOENT);
    EQ(sys(execve, ".", none, none), -EACCES);
    EQ(sys(execve, BAD_POINTER, none, none), -EFAULT);
    EQ(sys(execve, argv[0], BAD_POINTER, none), -EFAULT);
    put("empty", "", 0700);
    EQ(sys(execve, "empty", none, none), -ENOEXEC);
    put("text", "not a program", 0700);
    EQ(sys(execve, "text", none, none), -ENOEXEC);
    put("plain", "#!/bin/sh\n", 0600);
    EQ(sys(execve, "plain", none, none), -EACCES);
    put("lost", "#!/nowhere/at/all\n", 0700);
    EQ(sys(execve, "lost", none, none), -ENOENT);
    put("elf", "\177ELF", 0700);
    EQ(sys(execve, "elf", none, none), -ENOEXEC);
    EQ(sys(execve, "elf/x", none, none), -ENOTDIR);
    struct sigaction action;
    EQ(sys(rt_sigaction, SIGUSR1, NULL, &action, 8), 0);
    CHECK(action.sa_handler != SIG_DFL);                // nothing of the caller was lost

    // one string of 128 KiB is too long, and so is a quarter of the stack limit in all
    size_t n_bytes = 32 * PAGE;
    char *large = map(NULL, n_bytes + PAGE, PROT_READ | PROT_WRITE, 0);
    memset(large, 'x', n_bytes);
    static char *long_arguments[40];
    long_arguments[0] = large;
    EQ(sys(execve, argv[0], long_arguments, none), -E2BIG);
    large[n_bytes - 1] = 0;
    for (int i = 0; i < 39; i++)
        long_arguments[i] = large;
    EQ(sys(execve, argv[0], long_arguments, none), -E2BIG);
    long child = sys(fork);
    if (child == 0) {
        static char *fits[] = {NULL, NULL, NULL};
        fits[0] = large, fits[1] = large;
        sys(execve, argv[0], fits, none);
        quit(99);
    }
    EQ(wait_status(child), EXITED(7));

    // a script
    put("script", "#! /bin/sh -e\n(exit 3) || x=$?\n/bin/true | /bin/cat\nexit $((x + $#))\n", 0700);
    child = sys(fork);
    if (child == 0) {
        static char *arguments[] = {"ignored", "one", "two", NULL};
        sys(execve, "script", arguments, none);
        quit(99);
    }
    EQ(wait_status(child), EXITED(5));

    // what stays
    int file = sys(open, "file", O_RDWR | O_CREAT | O_TRUNC, 0600);
    EQ(sys(write, file, "abcdefgh", 8), 8);
    long pid = self();
    EQ(sys(pwrite64, file, &pid, sizeof pid, 100), sizeof pid);
    EQ(sys(lseek, file, 5, 0), 5);
    EQ(sys(dup2, file, 20), 20);
    EQ(sys(dup3, file, 21, O_CLOEXEC), 21);
    memset(&action, 0, sizeof action);
    action.sa_handler = SIG_IGN;
    EQ(sys(rt_sigaction, SIGUSR2, &action, NULL, 8), 0);
    stack_t stack = {map(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, 0), 0, 4 * PAGE};
    EQ(sys(sigaltstack, &stack, NULL), 0);
    unsigned long mask = 1UL << (SIGHUP - 1);
    EQ(sys(rt_sigprocmask, SIG_SETMASK, &mask, NULL, 8), 0);
    EQ(sys(kill, pid, SIGHUP), 0);
    EQ(sys(alarm, 1000), 0);
    static char *arguments[] = {"x", "a", "", NULL}, *environment[] = {"A=b", NULL};
    sys(execve, argv[0], arguments, environment);
    return 99;
}
