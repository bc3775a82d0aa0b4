// pipe(7): a write without a reader is EPIPE and SIGPIPE, also in the middle of a large one, which then counts what it
// has written; ignored, blocked or handled; a signal in the middle of a write counts too.
#include "raw_poll.h"

static volatile int count;
static char block[200000];

static void on_signal(int signo, siginfo_t *info, struct raw_ucontext *context)
{
    (void)info, (void)context;
    count += signo == SIGPIPE ? 1 : 100;
}

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    int ends[2];
    make_pipe(ends, 0);
    sys(close, ends[0]);
    long child = sys(fork);
    if (child == 0) {
        sys(write, ends[1], "x", 1);
        quit(1);
    }
    EQ(wait_status(child), SIGPIPE);
    raw_handle(SIGPIPE, on_signal, SA_RESTART);
    EQ(sys(write, ends[1], "x", 1), -EPIPE);
    EQ(count, 1);
    EQ(sys(write, ends[1], "x", 0), 0);
    EQ(count, 1);
    EQ(sys(write, ends[1], BAD_POINTER, 1), -EPIPE);
    EQ(count, 2);
    sys(fcntl, ends[1], F_SETFL, NONBLOCK);
    EQ(sys(write, ends[1], "x", 1), -EPIPE);
    EQ(count, 3);
    sys(close, ends[1]);

    // in the middle
    make_pipe(ends, 0);
    child = sys(fork);
    if (child == 0) {
        sys(close, ends[1]);
        nap(15);
        long got = sys(read, ends[0], block, 8192);
        nap(15);
        quit(got == 8192 ? 0 : 1);
    }
    sys(close, ends[0]);
    EQ(sys(write, ends[1], block, sizeof block), 65536 + 8192);
    EQ(count, 4);
    EQ(wait_status(child), EXITED(0));
    sys(close, ends[1]);

    // another signal in the middle of a write, and at its beginning
    make_pipe(ends, 0);
    raw_handle(SIGUSR1, on_signal, SA_RESTART);
    child = sys(fork);
    if (child == 0) {
        nap(15);
        sys(kill, parent(), SIGUSR1);
        quit(0);
    }
    EQ(sys(write, ends[1], block, sizeof block), 65536);
    EQ(count, 104);
    EQ(wait_status(child), EXITED(0));
    raw_handle(SIGUSR1, on_signal, 0);
    child = sys(fork);
    if (child == 0) {
        nap(15);
        sys(kill, parent(), SIGUSR1);
        quit(0);
    }
    EQ(sys(write, ends[1], block, 10), -EINTR);
    EQ(count, 204);
    EQ(wait_status(child), EXITED(0));
    raw_handle(SIGUSR1, on_signal, SA_RESTART);
    child = sys(fork);
    if (child == 0) {
        nap(15);
        sys(kill, parent(), SIGUSR1);
        nap(15);
        for (int i = 0; i < 16; i++)
            sys(read, ends[0], block, 4096);
        quit(0);
    }
    EQ(sys(write, ends[1], "end", 3), 3);
    EQ(count, 304);
    EQ(wait_status(child), EXITED(0));
    EQ(sys(read, ends[0], block, sizeof block), 3);
    EQ(memcmp(block, "end", 3), 0);
    return 0;
}
