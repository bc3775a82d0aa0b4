// alarm(2), setitimer(2), timer_create(2): signals at their times, what is left, intervals and overruns, who is told;
// CPU timers run only while the process does; errors.
#include "raw_process.h"

#define SIGEV_SIGNAL_ 0
static volatile int count, last_signo, last_code, last_value, most_overruns;

static void on_signal(int signo, siginfo_t *info, struct raw_ucontext *context)
{
    (void)context;
    last_signo = signo, last_code = info->si_code, last_value = info->si_int;
    if (info->si_overrun > most_overruns)
        most_overruns = info->si_overrun;
    count++;
}

struct itimer { long interval_s, interval_us, s, us; };
struct its { struct __kernel_timespec interval, value; };
struct event { long value; int signo, notify, tid; char pad[44]; };

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    raw_handle(SIGALRM, on_signal, 0);
    raw_handle(SIGVTALRM, on_signal, SA_RESTART);
    raw_handle(SIGPROF, on_signal, SA_RESTART);
    raw_handle(SIGUSR1, on_signal, SA_RESTART);

    struct itimer timer = {0, 0, 0, 20000}, old;
    EQ(sys(setitimer, 0, &timer, NULL), 0);
    EQ(sys(getitimer, 0, &old), 0);
    CHECK(old.s == 0 && old.us > 0 && old.us <= 20000);
    EQ(sys(pause), -EINTR);
    EQ(count, 1);
    EQ(last_signo, SIGALRM);
    EQ(last_code, 128);                                 // SI_KERNEL
    EQ(sys(getitimer, 0, &old), 0);
    EQ(old.us, 0);
    timer = (struct itimer){0, 5000, 0, 5000};
    EQ(sys(setitimer, 0, &timer, NULL), 0);
    count = 0;
    while (count < 5)
        sys(pause);
    timer = (struct itimer){0};
    EQ(sys(setitimer, 0, &timer, &old), 0);
    EQ(old.interval_us, 5000);
    timer.us = 1000000;
    EQ(sys(setitimer, 0, &timer, NULL), -EINVAL);
    EQ(sys(setitimer, 3, &old, NULL), -EINVAL);
    EQ(sys(getitimer, -1, &old), -EINVAL);
    EQ(sys(setitimer, 0, BAD_POINTER, NULL), -EFAULT);
    EQ(sys(alarm, 50), 0);
    EQ(sys(alarm, 30), 50);
    EQ(sys(alarm, 0), 30);

    // ITIMER_VIRTUAL and ITIMER_PROF: a sleep does not count, a busy loop does
    for (int which = 1; which <= 2; which++) {
        count = 0;
        timer = (struct itimer){0, 0, 0, 30000};
        EQ(sys(setitimer, which, &timer, NULL), 0);
        nap(60);
        EQ(count, 0);
        for (volatile long i = 0; count == 0 && i < 3000000000; i++)
            ;
        EQ(count, 1);
        EQ(last_signo, which == 1 ? SIGVTALRM : SIGPROF);
    }

    // POSIX timers
    struct event event = {.value = 77, .signo = SIGUSR1, .notify = 0};
    struct its spec = {{0, 0}, {0, 10 * MS}}, left;
    int id, second;
    EQ(sys(timer_create, 1, &event, &id), 0);
    EQ(sys(timer_gettime, id, &left), 0);
    EQ(left.value.tv_nsec, 0);
    count = 0;
    EQ(sys(timer_settime, id, 0, &spec, &left), 0);
    EQ(sys(timer_gettime, id, &left), 0);
    CHECK(left.value.tv_nsec > 0 && left.value.tv_nsec <= 10 * MS);
    await(&count, 1);
    EQ(last_code, SI_TIMER);
    EQ(last_value, 77);
    EQ(sys(timer_getoverrun, id), 0);
    // an interval while the signal is blocked: one signal, the rest is overrun
    unsigned long mask = 1UL << (SIGUSR1 - 1), empty = 0;
    EQ(sys(rt_sigprocmask, SIG_SETMASK, &mask, NULL, 8), 0);
    spec.interval.tv_nsec = 10 * MS;
    count = 0;
    EQ(sys(timer_settime, id, 0, &spec, NULL), 0);
    nap(65);
    spec.value.tv_nsec = 0;
    EQ(sys(rt_sigprocmask, SIG_SETMASK, &empty, NULL, 8), 0);
    CHECK(count >= 1);
    CHECK(most_overruns >= 3);
    CHECK(sys(timer_getoverrun, id) >= 0);
    EQ(sys(timer_settime, id, 0, &spec, &left), 0);
    EQ(left.interval.tv_nsec, 10 * MS);
    // absolute times, one of them past
    struct its at = {{0, 0}, {1, 0}};
    count = 0;
    EQ(sys(timer_settime, id, 1, &at, NULL), 0);
    await(&count, 1);
    EQ(sys(timer_create, 0, NULL, &second), 0);
    CHECK(second != id);
    EQ(sys(clock_gettime, 0, &at.value), 0);
    at.value.tv_nsec += 10 * MS;
    if (at.value.tv_nsec >= 1000000000)
        at.value.tv_nsec -= 1000000000, at.value.tv_sec++;
    count = 0;
    EQ(sys(timer_settime, second, 1, &at, NULL), 0);
    await(&count, 1);
    EQ(last_signo, SIGALRM);
    EQ(last_value, second);
    EQ(sys(timer_delete, second), 0);
    EQ(sys(timer_delete, second), -EINVAL);
    EQ(sys(timer_gettime, second, &left), -EINVAL);
    EQ(sys(timer_settime, id, 0, NULL, NULL), -EINVAL);
    at.value.tv_nsec = -1;
    EQ(sys(timer_settime, id, 0, &at, NULL), -EINVAL);

    // SIGEV_NONE, SIGEV_THREAD_ID, CPU time, and what cannot be
    event.notify = 1;
    EQ(sys(timer_create, 1, &event, &second), 0);
    at = (struct its){{0, 0}, {0, 5 * MS}};
    count = 0;
    EQ(sys(timer_settime, second, 0, &at, NULL), 0);
    nap(15);
    EQ(count, 0);
    EQ(sys(timer_gettime, second, &left), 0);
    EQ(left.value.tv_nsec, 0);
    event.notify = 4, event.tid = sys(gettid);
    EQ(sys(timer_create, 2, &event, &second), 0);
    at.value.tv_nsec = 20 * MS;
    EQ(sys(timer_settime, second, 0, &at, NULL), 0);
    nap(40);
    EQ(count, 0);
    for (volatile long i = 0; count == 0 && i < 3000000000; i++)
        ;
    EQ(count, 1);
    event.tid = 1;
    EQ(sys(timer_create, 1, &event, &second), -EINVAL);
    event.notify = 0, event.signo = 65;
    EQ(sys(timer_create, 1, &event, &second), -EINVAL);
    event.notify = 9, event.signo = 1;
    EQ(sys(timer_create, 1, &event, &second), -EINVAL);
    EQ(sys(timer_create, 99, NULL, &second), -EINVAL);
    EQ(sys(timer_create, 4, NULL, &second), -EOPNOTSUPP);
    EQ(sys(timer_create, 1, BAD_POINTER, &second), -EFAULT);
    EQ(sys(timer_create, 1, NULL, BAD_POINTER), -EFAULT);

    // a child has none of them
    timer = (struct itimer){0, 0, 100, 0};
    EQ(sys(setitimer, 0, &timer, NULL), 0);
    long child = sys(fork);
    if (child == 0) {
        EQ(sys(getitimer, 0, &old), 0);
        EQ(old.s, 0);
        EQ(sys(timer_gettime, id, &left), -EINVAL);
        quit(0);
    }
    EQ(wait_status(child), EXITED(0));
    return 0;
}
