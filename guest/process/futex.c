// futex(2): wait and wake between threads and, in shared memory, processes; bitsets, requeue, WAKE_OP; timeouts on both
// clocks; EAGAIN, EINTR, EINVAL, EFAULT; robust lists mark what a dead thread held.
#include "raw_process.h"

static volatile int word, other, woken, started;

static void waits_with(void *argument)
{
    __atomic_add_fetch(&started, 1, __ATOMIC_SEQ_CST);
    if (futex(&word, FUTEX_WAIT_BITSET, 0, NULL, NULL, (int)(long)argument) == 0)
        __atomic_add_fetch(&woken, 1, __ATOMIC_SEQ_CST);
}

static void start(struct thread *thread, int n, int bits)
{
    started = woken = 0;
    for (int i = 0; i < n; i++)
        CHECK(start_thread(&thread[i], waits_with, (void *)(long)bits, 0, 0) > 0);
    await(&started, n);
    nap(5);
}

static void on_signal(int signo, siginfo_t *info, struct raw_ucontext *context)
{
    (void)signo, (void)info, (void)context;
}

struct lock {
    struct robust_list list;
    volatile int word;
};

static struct lock locks[3];
static struct robust_list_head robust = {{&robust.list}, offsetof(struct lock, word), NULL};

static void dies_with_locks(void *argument)
{
    (void)argument;
    EQ(sys(set_robust_list, &robust, sizeof robust), 0);
    int tid = sys(gettid);
    locks[0].word = tid;
    locks[1].word = tid | FUTEX_WAITERS;
    locks[2].word = tid + 1;                            // somebody else's
    robust.list.next = &locks[0].list;
    locks[0].list.next = &locks[1].list;
    locks[1].list.next = &locks[2].list;
    locks[2].list.next = &robust.list;
}

static void waits_for_lock(void *argument)
{
    started = 1;
    futex(argument, FUTEX_WAIT, *(volatile int *)argument, NULL, NULL, 0);
    woken = 1;
}

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    struct thread thread[6];
    struct __kernel_timespec soon = {0, 5 * MS}, bad = {0, 1000000000}, past = {1, 0};

    EQ(futex(&word, FUTEX_WAIT, 1, NULL, NULL, 0), -EAGAIN);
    EQ(futex(&word, FUTEX_WAIT, 0, &soon, NULL, 0), -ETIMEDOUT);
    EQ(futex(&word, FUTEX_WAIT, 0, &bad, NULL, 0), -EINVAL);
    EQ(futex(&word, FUTEX_WAIT_BITSET, 0, &past, NULL, -1), -ETIMEDOUT);
    EQ(futex(&word, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 0, &past, NULL, -1), -ETIMEDOUT);
    EQ(futex(&word, FUTEX_WAIT_BITSET, 0, NULL, NULL, 0), -EINVAL);
    EQ(futex((int *)((char *)&word + 1), FUTEX_WAIT, 0, NULL, NULL, 0), -EINVAL);
    EQ(futex(BAD_POINTER, FUTEX_WAIT, 0, NULL, NULL, 0), -EFAULT);
    EQ(futex(BAD_POINTER, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0), -EFAULT);
    EQ(futex(&word, FUTEX_WAKE, 1, NULL, NULL, 0), 0);
    EQ(futex(&word, FUTEX_WAKE_BITSET, 1, NULL, NULL, 0), -EINVAL);
    EQ(futex(&word, 77, 1, NULL, NULL, 0), -ENOSYS);
    struct __kernel_timespec now;
    EQ(sys(clock_gettime, 1, &now), 0);
    now.tv_nsec += 5 * MS;
    if (now.tv_nsec >= 1000000000)
        now.tv_nsec -= 1000000000, now.tv_sec++;
    EQ(futex(&word, FUTEX_WAIT_BITSET, 0, &now, NULL, -1), -ETIMEDOUT);

    start(thread, 4, -1);
    EQ(futex(&word, FUTEX_WAKE, 1, NULL, NULL, 0), 1);
    EQ(futex(&word, FUTEX_WAKE, 100, NULL, NULL, 0), 3);
    for (int i = 0; i < 4; i++)
        join_thread(&thread[i]);
    EQ(woken, 4);

    start(thread, 2, 2);
    EQ(futex(&word, FUTEX_WAKE_BITSET, 9, NULL, NULL, 1), 0);
    EQ(futex(&word, FUTEX_WAKE_BITSET, 9, NULL, NULL, 6), 2);
    join_thread(&thread[0]), join_thread(&thread[1]);

    start(thread, 5, -1);
    EQ(futex(&word, FUTEX_CMP_REQUEUE, 1, (void *)9, &other, 1), -EAGAIN);
    EQ(futex(&word, FUTEX_CMP_REQUEUE, 1, (void *)3, &other, 0), 4);    // one woken, three moved
    EQ(futex(&other, FUTEX_WAKE, 2, NULL, NULL, 0), 2);
    EQ(futex(&word, FUTEX_WAKE, 9, NULL, NULL, 0), 1);
    EQ(futex(&other, FUTEX_WAKE, 9, NULL, NULL, 0), 1);
    for (int i = 0; i < 5; i++)
        join_thread(&thread[i]);
    EQ(woken, 5);

    start(thread, 3, -1);
    other = 5;
    EQ(futex(&word, FUTEX_WAKE_OP, 1, (void *)9, &other, FUTEX_OP(FUTEX_OP_ADD, 2, FUTEX_OP_CMP_EQ, 6)), 1);
    EQ(other, 7);
    EQ(futex(&word, FUTEX_REQUEUE, 0, (void *)9, &other, 0), 2);
    EQ(futex(&word, FUTEX_WAKE_OP, 1, (void *)9, &other, FUTEX_OP(FUTEX_OP_SET, -1, FUTEX_OP_CMP_GT, 6)), 2);
    EQ(other, -1);
    for (int i = 0; i < 3; i++)
        join_thread(&thread[i]);

    // between processes that map the same page
    volatile int *both = shared(PAGE);
    long child = sys(fork);
    if (child == 0) {
        both[1] = 1;
        while (both[0] == 0)
            futex(&both[0], FUTEX_WAIT, 0, NULL, NULL, 0);
        both[2] = 1;
        quit(both[0]);
    }
    await(&both[1], 1);
    nap(5);
    EQ(futex(&both[0], FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0), 0);       // another key
    both[0] = 6;
    EQ(futex(&both[0], FUTEX_WAKE, 1, NULL, NULL, 0), 1);
    EQ(wait_status(child), EXITED(6));

    // a handler: EINTR with a timeout always, without one only when the handler has no SA_RESTART
    for (int i = 0; i < 3; i++) {
        raw_handle(SIGALRM, on_signal, i == 2 ? 0 : SA_RESTART);
        struct { long interval[2], first[2]; } timer = {{0, 0}, {0, 10000}};
        EQ(sys(setitimer, 0, &timer, NULL), 0);
        struct __kernel_timespec later = {0, i == 0 ? 60 * MS : 999 * MS};
        long wanted = i == 0 ? -ETIMEDOUT : -EINTR;
        if (i == 0) {                                   // an absolute time goes on after the handler
            EQ(sys(clock_gettime, 1, &now), 0);
            later.tv_sec = now.tv_sec + 0, later.tv_nsec = now.tv_nsec + 60 * MS;
            if (later.tv_nsec >= 1000000000)
                later.tv_nsec -= 1000000000, later.tv_sec++;
            wanted = -EINTR;
        }
        long got = futex(&word, i == 0 ? FUTEX_WAIT_BITSET : FUTEX_WAIT, 0, &later, NULL, -1);
        EQ(got, wanted);
    }

    // robust lists
    CHECK(start_thread(&thread[0], dies_with_locks, NULL, 0, 0) > 0);
    int tid = thread[0].tid;
    join_thread(&thread[0]);
    (void)tid;
    EQ(locks[0].word, FUTEX_OWNER_DIED);
    EQ(locks[1].word, FUTEX_OWNER_DIED | (int)FUTEX_WAITERS);
    CHECK((locks[2].word & FUTEX_OWNER_DIED) == 0);
    (void)waits_for_lock;
    return 0;
}
