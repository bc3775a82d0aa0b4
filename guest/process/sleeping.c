// Signals during a sleep (signal(7)): what a handler with and without SA_RESTART makes of read, wait4, nanosleep,
// clock_nanosleep, pause and rt_sigsuspend; a stop and SIGCONT, or an ignored signal, end none of them.
#include "raw_process.h"

static volatile int count;

static void on_signal(int signo, siginfo_t *info, struct raw_ucontext *context)
{
    (void)signo, (void)info, (void)context;
    count++;
}

static long target;

// A child that sends signals to its parent, every so many milliseconds; then it exits
static long sender(int signo, int second, long ms)
{
    target = self();
    long child = sys(fork);
    if (child == 0) {
        nap(ms);
        sys(kill, target, signo);
        if (second) {
            nap(ms);
            sys(kill, target, second);
        }
        nap(ms);
        quit(0);
    }
    return child;
}

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    int pipe[2];
    char byte;
    EQ(sys(pipe, pipe), 0);
    for (int restart = 0; restart < 2; restart++) {
        count = 0;
        raw_handle(SIGUSR1, on_signal, restart ? SA_RESTART : 0);
        long child = sys(fork);
        if (child == 0) {
            nap(15);
            sys(kill, parent(), SIGUSR1);
            nap(15);
            sys(write, pipe[1], "x", 1);
            nap(15);
            quit(0);
        }
        long got = sys(read, pipe[0], &byte, 1);
        EQ(count, 1);
        EQ(got, restart ? 1 : -EINTR);
        if (!restart)
            EQ(sys(read, pipe[0], &byte, 1), 1);
        EQ(wait_status(child), EXITED(0));

        child = sender(SIGUSR1, 0, 20);
        count = 0;
        int status;
        got = sys(wait4, child, &status, 0, NULL);
        EQ(count, 1);
        EQ(got, restart ? child : -EINTR);
        if (!restart)
            EQ(wait_status(child), EXITED(0));

        child = sender(SIGUSR1, 0, 20);                 // nanosleep: always EINTR, and what is left
        struct __kernel_timespec time = {5, 0}, left = {0, 0};
        EQ(sys(nanosleep, &time, &left), -EINTR);
        CHECK(left.tv_sec == 4);
        EQ(wait_status(child), EXITED(0));
        child = sender(SIGUSR1, 0, 20);
        EQ(sys(clock_nanosleep, 1, 0, &time, &left), -EINTR);
        EQ(wait_status(child), EXITED(0));
        child = sender(SIGUSR1, 0, 20);
        EQ(sys(clock_gettime, 1, &time), 0);
        time.tv_sec += 5;
        left.tv_sec = 77;
        EQ(sys(clock_nanosleep, 1, 1, &time, &left), -EINTR);           // absolute: nothing is told
        EQ(left.tv_sec, 77);
        EQ(wait_status(child), EXITED(0));
        child = sender(SIGUSR1, 0, 20);
        EQ(sys(pause), -EINTR);
        EQ(wait_status(child), EXITED(0));
    }

    // rt_sigsuspend: its mask while it sleeps, the old one after the handler
    unsigned long mask = 1UL << (SIGUSR1 - 1), empty = 0, now = 0;
    EQ(sys(rt_sigprocmask, SIG_SETMASK, &mask, NULL, 8), 0);
    EQ(sys(kill, self(), SIGUSR1), 0);
    count = 0;
    EQ(sys(rt_sigsuspend, &empty, 8), -EINTR);
    EQ(count, 1);
    EQ(sys(rt_sigprocmask, SIG_SETMASK, NULL, &now, 8), 0);
    EQ(now, mask);

    // rt_sigtimedwait: takes blocked ones, with data; another handler is EINTR
    siginfo_t info;
    struct __kernel_timespec soon = {0, 10 * MS}, zero = {0, 0};
    EQ(sys(rt_sigtimedwait, &mask, &info, &zero, 8), -EAGAIN);
    EQ(sys(rt_sigtimedwait, &mask, &info, &soon, 8), -EAGAIN);
    long child = sender(SIGUSR1, 0, 15);
    EQ(sys(rt_sigtimedwait, &mask, &info, NULL, 8), SIGUSR1);
    EQ(info.si_pid, child);
    EQ(info.si_code, SI_USER);
    EQ(wait_status(child), EXITED(0));
    raw_handle(SIGUSR2, on_signal, SA_RESTART);
    child = sender(SIGUSR2, 0, 15);
    EQ(sys(rt_sigtimedwait, &mask, &info, NULL, 8), -EINTR);
    EQ(wait_status(child), EXITED(0));
    EQ(sys(rt_sigprocmask, SIG_SETMASK, &empty, NULL, 8), 0);

    // a stop and SIGCONT, and signals that do nothing
    static struct __kernel_timespec start, end;
    child = sys(fork);
    if (child == 0) {
        struct __kernel_timespec time = {0, 120 * MS}, left = {9, 9};
        EQ(sys(clock_gettime, 1, &start), 0);
        EQ(sys(nanosleep, &time, &left), 0);
        EQ(sys(clock_gettime, 1, &end), 0);
        long ms = (end.tv_sec - start.tv_sec) * 1000 + (end.tv_nsec - start.tv_nsec) / MS;
        CHECK(ms >= 119);
        EQ(sys(read, pipe[0], &byte, 1), 1);
        quit(byte);
    }
    nap(20);
    EQ(sys(kill, child, SIGWINCH), 0);
    EQ(sys(kill, child, SIGSTOP), 0);
    nap(20);
    EQ(sys(kill, child, SIGCONT), 0);
    nap(150);
    EQ(sys(kill, child, SIGSTOP), 0);
    nap(5);
    EQ(sys(kill, child, SIGCONT), 0);
    EQ(sys(write, pipe[1], "q", 1), 1);
    EQ(wait_status(child), EXITED('q'));
    return 0;
}
