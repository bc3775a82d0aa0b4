// epoll(7): sleeping until a child or a thread makes something ready, also by adding it; signals and masks
// (epoll_pwait(2)); an event wakes one of several sleepers, EPOLLEXCLUSIVE one of several epolls.
#include "raw_poll.h"

static volatile int count, n_woken, n_asleep;
static int epoll, ends[2];

static void on_signal(int signo, siginfo_t *info, struct raw_ucontext *context)
{
    (void)signo, (void)info, (void)context;
    count++;
}

static void writes_later(void *argument)
{
    (void)argument;
    nap(15);
    sys(write, ends[1], "x", 1);
}

static void adds_later(void *argument)
{
    (void)argument;
    nap(15);
    watch(epoll, EPOLL_CTL_ADD, ends[1], EPOLLOUT, 7);
}

static void add_one(volatile int *counter)
{
    __atomic_add_fetch(counter, 1, __ATOMIC_SEQ_CST);
}

static void sleeper(void *argument)
{
    struct epoll_event event;
    add_one(&n_asleep);
    if (sys(epoll_wait, (long)argument, &event, 1, 150) == 1)
        add_one(&n_woken);
}

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    struct thread threads[4];
    char byte;
    epoll = sys(epoll_create1, 0);
    make_pipe(ends, NONBLOCK);
    EQ(watch(epoll, EPOLL_CTL_ADD, ends[0], EPOLLIN, 1), 0);
    long before = now_ms();
    EQ(next_event(epoll, 20, NULL), -1);
    CHECK(now_ms() - before >= 19);

    long child = sys(fork);
    if (child == 0)
        quit((nap(15), sys(write, ends[1], "x", 1)) == 1 ? 0 : 1);
    EQ(next_event(epoll, -1, NULL), 1);
    EQ(wait_status(child), EXITED(0));
    sys(read, ends[0], &byte, 1);

    start_thread(&threads[0], writes_later, NULL, 0, 0);
    EQ(next_event(epoll, -1, NULL), 1);
    join_thread(&threads[0]);
    sys(read, ends[0], &byte, 1);
    start_thread(&threads[0], adds_later, NULL, 0, 0);
    EQ(next_event(epoll, -1, NULL), 7);
    join_thread(&threads[0]);
    EQ(watch(epoll, EPOLL_CTL_DEL, ends[1], 0, 0), 0);

    // signals
    raw_handle(SIGUSR1, on_signal, SA_RESTART);
    child = sys(fork);
    if (child == 0) {
        nap(15);
        sys(kill, parent(), SIGUSR1);
        quit(0);
    }
    EQ(next_event(epoll, -1, NULL), -EINTR - 1000);
    EQ(count, 1);
    EQ(wait_status(child), EXITED(0));
    unsigned long usr1 = 1UL << (SIGUSR1 - 1), none = 0, old;
    struct epoll_event event;
    sys(rt_sigprocmask, SIG_SETMASK, &usr1, NULL, 8);
    sys(kill, self(), SIGUSR1);
    EQ(sys(epoll_pwait, epoll, &event, 1, 5, &usr1, 8), 0);
    EQ(count, 1);
    EQ(sys(epoll_pwait, epoll, &event, 1, -1, &none, 8), -EINTR);
    EQ(count, 2);
    sys(rt_sigprocmask, SIG_BLOCK, NULL, &old, 8);
    EQ(old, usr1);
    sys(write, ends[1], "x", 1);
    sys(kill, self(), SIGUSR1);
    EQ(sys(epoll_pwait, epoll, &event, 1, -1, &none, 8), 1);
    EQ(count, 2);                                               // what is ready counts before what is pending
    sys(rt_sigprocmask, SIG_SETMASK, &none, NULL, 8);
    EQ(count, 3);

    // a stop ends it, and the mask of before is back
    child = sys(fork);
    if (child == 0) {
        int empty = sys(epoll_create1, 0);
        long got = sys(epoll_pwait, empty, &event, 1, 2000, &usr1, 8);
        sys(rt_sigprocmask, SIG_BLOCK, NULL, &old, 8);
        quit(got == -EINTR && old == none ? 0 : 1);
    }
    nap(15);
    sys(kill, child, SIGSTOP);
    nap(5);
    sys(kill, child, SIGCONT);
    EQ(wait_status(child), EXITED(0));

    // one edge, one sleeper
    sys(read, ends[0], &byte, 1);
    EQ(watch(epoll, EPOLL_CTL_MOD, ends[0], EPOLLIN | EPOLLET, 1), 0);
    for (int i = 0; i < 4; i++)
        start_thread(&threads[i], sleeper, (void *)(long)epoll, 0, 0);
    await(&n_asleep, 4);
    nap(10);
    sys(write, ends[1], "x", 1);
    nap(10);
    sys(write, ends[1], "x", 1);
    for (int i = 0; i < 4; i++)
        join_thread(&threads[i]);
    EQ(n_woken, 2);

    // level-triggered, it wakes all: the one who has been told does not read
    EQ(watch(epoll, EPOLL_CTL_MOD, ends[0], EPOLLIN, 1), 0);
    while (sys(read, ends[0], &byte, 1) == 1)
        ;
    n_woken = n_asleep = 0;
    for (int i = 0; i < 4; i++)
        start_thread(&threads[i], sleeper, (void *)(long)epoll, 0, 0);
    await(&n_asleep, 4);
    nap(10);
    sys(write, ends[1], "x", 1);
    for (int i = 0; i < 4; i++)
        join_thread(&threads[i]);
    EQ(n_woken, 4);

    // exclusive: one epoll of four; the errors
    for (int exclusive = 1; exclusive >= 0; exclusive--) {
        int epolls[4];
        while (sys(read, ends[0], &byte, 1) == 1)
            ;
        n_woken = n_asleep = 0;
        for (int i = 0; i < 4; i++) {
            epolls[i] = sys(epoll_create1, 0);
            EQ(watch(epolls[i], EPOLL_CTL_ADD, ends[0], EPOLLIN | EPOLLET | (exclusive ? EPOLLEXCLUSIVE : 0), 1), 0);
            start_thread(&threads[i], sleeper, (void *)(long)epolls[i], 0, 0);
        }
        await(&n_asleep, 4);
        nap(10);
        sys(write, ends[1], "x", 1);
        for (int i = 0; i < 4; i++)
            join_thread(&threads[i]);
        if (exclusive)
            CHECK(n_woken >= 1 && n_woken < 4);
        else
            EQ(n_woken, 4);
        if (exclusive) {
            EQ(watch(epolls[0], EPOLL_CTL_MOD, ends[0], EPOLLIN, 1), -EINVAL);
            EQ(watch(epoll, EPOLL_CTL_MOD, ends[0], EPOLLIN | EPOLLEXCLUSIVE, 1), -EINVAL);
            EQ(watch(epolls[0], EPOLL_CTL_ADD, ends[1], EPOLLRDHUP | EPOLLEXCLUSIVE, 1), -EINVAL);
            EQ(watch(epolls[0], EPOLL_CTL_ADD, ends[1], EPOLLOUT | EPOLLONESHOT | EPOLLEXCLUSIVE, 1), -EINVAL);
            EQ(watch(epolls[0], EPOLL_CTL_ADD, epoll, EPOLLIN | EPOLLEXCLUSIVE, 1), -EINVAL);
            EQ(watch(epolls[0], EPOLL_CTL_DEL, ends[0], 0, 0), 0);
        }
        for (int i = 0; i < 4; i++)
            sys(close, epolls[i]);
    }
    return 0;
}
