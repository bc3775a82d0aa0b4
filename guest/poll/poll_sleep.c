// poll(2), ppoll(2): sleeping until a child writes, reads, closes or signals; the time-out, and what ppoll says is left
// of it; the other mask of ppoll, which the handler sees gone; a stop does not end either.
#include "raw_poll.h"

static volatile int count;
static volatile unsigned long mask_in_handler;

static void on_signal(int signo, siginfo_t *info, struct raw_ucontext *context)
{
    (void)signo, (void)info, (void)context;
    count++;
    sys(rt_sigprocmask, SIG_BLOCK, NULL, &mask_in_handler, 8);
}

static long later(void)
{
    long child = sys(fork);
    if (child == 0)
        nap(15);
    return child;
}

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    int in[2], out[2];
    make_pipe(in, 0);
    make_pipe(out, NONBLOCK);
    struct pollfd set[3] = {{in[0], POLLIN, 0}, {out[1], POLLOUT, 0}, {-1, 0, 0}};
    fill(out[1]);
    EQ(sys(poll, set, 3, 0), 0);

    long child = later();
    if (child == 0) {
        sys(write, in[1], "x", 1);
        quit(0);
    }
    EQ(sys(poll, set, 3, -1), 1);
    EQ(set[0].revents, POLLIN);
    EQ(wait_status(child), EXITED(0));
    char page[4096];
    EQ(sys(read, in[0], page, 1), 1);

    child = later();
    if (child == 0) {
        for (int i = 0; i < 8; i++)                             // a page of the pipe is free only with the last
            sys(read, out[0], page, 512);
        quit(0);
    }
    EQ(sys(poll, set, 2, -1), 1);
    EQ(set[0].revents, 0);
    EQ(set[1].revents, POLLOUT);
    EQ(wait_status(child), EXITED(0));
    fill(out[1]);

    child = later();
    sys(close, in[child ? 1 : 0]);
    if (child == 0)
        quit(0);                                                // the last writer
    EQ(sys(poll, set, 2, 5000), 1);
    EQ(set[0].revents, POLLHUP);
    EQ(wait_status(child), EXITED(0));
    set[0].fd = -1;

    // a signal
    raw_handle(SIGUSR1, on_signal, SA_RESTART);
    child = later();
    if (child == 0) {
        sys(kill, parent(), SIGUSR1);
        quit(0);
    }
    EQ(sys(poll, set, 2, -1), -EINTR);                          // SA_RESTART or not
    EQ(count, 1);
    wait_status(child);

    // ppoll: another mask for as long as it lasts
    unsigned long usr1 = 1UL << (SIGUSR1 - 1), usr2 = 1UL << (SIGUSR2 - 1), old;
    sys(rt_sigprocmask, SIG_SETMASK, &usr1, NULL, 8);
    sys(kill, self(), SIGUSR1);
    EQ(count, 1);
    struct __kernel_timespec time = {5, 0};
    EQ(sys(ppoll, set, 2, &time, &usr2, 8), -EINTR);
    EQ(count, 2);
    EQ(mask_in_handler, usr1 | usr2);                           // the call's, and the signal's own
    sys(rt_sigprocmask, SIG_BLOCK, NULL, &old, 8);
    EQ(old, usr1);
    CHECK(time.tv_sec == 4 && time.tv_nsec > 0);
    sys(kill, self(), SIGUSR1);
    set[0].fd = out[0], set[0].events = POLLIN;
    EQ(sys(ppoll, set, 2, &time, &usr2, 8), 1);                 // what is ready counts before what is pending
    EQ(count, 2);
    sys(rt_sigprocmask, SIG_BLOCK, NULL, &old, 8);
    EQ(old, usr1);
    old = 0;
    sys(rt_sigprocmask, SIG_SETMASK, &old, NULL, 8);
    EQ(count, 3);
    set[0].fd = -1;
    time.tv_sec = 0, time.tv_nsec = 10 * MS;
    EQ(sys(ppoll, set, 2, &time, NULL, 0), 0);
    CHECK(time.tv_sec == 0 && time.tv_nsec == 0);
    EQ(sys(ppoll, set, 2, &time, NULL, 99), 0);
    EQ(sys(ppoll, set, 2, &time, &usr1, 99), -EINVAL);
    EQ(sys(ppoll, set, 2, &time, BAD_POINTER, 8), -EFAULT);
    EQ(sys(ppoll, BAD_POINTER, 2, BAD_POINTER, BAD_POINTER, 99), -EFAULT);
    time.tv_nsec = 1000000000;
    EQ(sys(ppoll, BAD_POINTER, 2, &time, BAD_POINTER, 99), -EINVAL);
    time.tv_sec = -1, time.tv_nsec = 0;
    EQ(sys(ppoll, set, 2, &time, NULL, 0), -EINVAL);
    struct __kernel_timespec *constant = map(NULL, PAGE, PROT_READ | PROT_WRITE, 0);
    constant->tv_nsec = MS;
    sys(mprotect, constant, PAGE, PROT_READ);
    EQ(sys(ppoll, set, 2, constant, NULL, 0), 0);               // what is left need not be told

    // a stop; the mask of before is back after it
    old = usr1;
    sys(rt_sigprocmask, SIG_SETMASK, &old, NULL, 8);
    child = sys(fork);
    if (child == 0) {
        time.tv_sec = 0, time.tv_nsec = 60 * MS;
        sys(ppoll, NULL, 0, &time, &usr2, 8);
        sys(rt_sigprocmask, SIG_BLOCK, NULL, &old, 8);
        quit(old == usr1 ? 0 : 1);
    }
    nap(10);
    sys(kill, child, SIGSTOP);
    nap(5);
    sys(kill, child, SIGCONT);
    EQ(wait_status(child), EXITED(0));
    for (int precise = 0; precise < 2; precise++) {
        make_pipe(in, 0);
        set[0].fd = in[0];
        child = sys(fork);
        if (child == 0) {
            time.tv_sec = 5, time.tv_nsec = 0;
            long got = precise ? sys(ppoll, set, 1, &time, NULL, 0) : sys(poll, set, 1, 5000);
            quit(got == 1 && set[0].revents == POLLIN ? 0 : 1);
        }
        nap(10);
        int status;
        sys(kill, child, SIGSTOP);
        EQ(sys(wait4, child, &status, WUNTRACED, NULL), child);
        EQ(status, STOPPED(SIGSTOP));
        sys(kill, child, SIGCONT);
        nap(10);
        sys(write, in[1], "x", 1);
        EQ(wait_status(child), EXITED(0));
    }
    return 0;
}
