// Priority-inheritance futexes (futex(2)): the word has the owner's tid, unlocking hands the lock to who has slept
// longest, FUTEX_WAITERS says that somebody sleeps, and a dead owner's lock is marked and handed on; the errors.
#include "raw_process.h"

static volatile int lock, order, ready;

static long own_tid(void)
{
    return sys(gettid);
}

static void takes(void *argument)
{
    ready++;
    EQ(futex(&lock, FUTEX_LOCK_PI, 0, NULL, NULL, 0), 0);
    EQ(lock & FUTEX_TID_MASK, own_tid());
    order = order * 10 + *(int *)argument;
    EQ(futex(&lock, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0), 0);
}

struct robust_lock {
    struct robust_list list;
    volatile int word;
};
static struct robust_lock kept;
static struct robust_list_head robust = {{&robust.list}, offsetof(struct robust_lock, word), NULL};

static void dies_with_it(void *argument)
{
    (void)argument;
    EQ(sys(set_robust_list, &robust, sizeof robust), 0);
    EQ(futex(&kept.word, FUTEX_LOCK_PI, 0, NULL, NULL, 0), 0);
    robust.list.next = (struct robust_list *)((unsigned long)&kept.list | 1);
    kept.list.next = &robust.list;
    ready = 1;
    nap(30);
}

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    struct thread thread[3];
    int tid = sys(gettid), number[3] = {1, 2, 3};
    EQ(futex(&lock, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0), -EPERM);
    EQ(futex(&lock, FUTEX_LOCK_PI, 0, NULL, NULL, 0), 0);
    EQ(lock, tid);
    EQ(futex(&lock, FUTEX_LOCK_PI, 0, NULL, NULL, 0), -EDEADLK);
    EQ(futex(&lock, FUTEX_TRYLOCK_PI, 0, NULL, NULL, 0), -EDEADLK);
    for (int i = 0; i < 3; i++) {
        CHECK(start_thread(&thread[i], takes, &number[i], 0, 0) > 0);
        await(&ready, i + 1);
        nap(5);
    }
    EQ(lock, tid | (int)FUTEX_WAITERS);
    EQ(futex(&lock, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0), 0);
    for (int i = 0; i < 3; i++)
        join_thread(&thread[i]);
    EQ(order, 123);
    EQ(lock, 0);

    // held by a thread that sleeps: a timeout on CLOCK_REALTIME, and trylock
    ready = 0;
    CHECK(start_thread(&thread[0], dies_with_it, NULL, 0, 0) > 0);
    await(&ready, 1);
    EQ(futex(&kept.word, FUTEX_TRYLOCK_PI, 0, NULL, NULL, 0), -EAGAIN);
    struct __kernel_timespec now;
    EQ(sys(clock_gettime, 0, &now), 0);
    now.tv_nsec += 5 * MS;
    if (now.tv_nsec >= 1000000000)
        now.tv_nsec -= 1000000000, now.tv_sec++;
    EQ(futex(&kept.word, FUTEX_LOCK_PI, 0, &now, NULL, 0), -ETIMEDOUT);
    // the owner dies: the lock is ours, and says so
    EQ(futex(&kept.word, FUTEX_LOCK_PI, 0, NULL, NULL, 0), 0);
    EQ(kept.word & FUTEX_TID_MASK, tid);
    CHECK(kept.word & FUTEX_OWNER_DIED);
    join_thread(&thread[0]);
    EQ(futex(&kept.word, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0), 0);
    lock = 0x3fffff0;
    EQ(futex(&lock, FUTEX_LOCK_PI, 0, NULL, NULL, 0), -ESRCH);
    EQ(futex(BAD_POINTER, FUTEX_LOCK_PI, 0, NULL, NULL, 0), -EFAULT);
    EQ(futex((int *)((char *)&lock + 2), FUTEX_LOCK_PI, 0, NULL, NULL, 0), -EINVAL);
    return 0;
}
