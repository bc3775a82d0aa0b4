// pipe(7), sigaction(2): the SIGPIPE of a write without readers is SI_USER from the writer itself.
#include "raw_signal.h"

static int code, from_self;

static void handler(int signo, siginfo_t *info, struct raw_ucontext *context)
{
    (void)signo, (void)context;
    code = info->si_code;
    from_self = info->si_pid == sys(getpid);
}

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    int ends[2];
    EQ(sys(pipe, ends), 0);
    EQ(sys(close, ends[0]), 0);
    EQ(raw_handle(SIGPIPE, handler, 0), 0);
    EQ(sys(write, ends[1], "x", 1), -EPIPE);
    EQ(code, SI_USER);
    EQ(from_self, 1);
    return 0;
}
