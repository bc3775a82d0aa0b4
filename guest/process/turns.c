// sched(7): on one CPU a real-time thread that wakes runs before whoever woke it if its priority is higher, and not if
// it is equal or lower; sched_yield(2) and blocking give others their turn; CPU hogs share by their nice values; one that
// sleeps a lot need not wait for them.
#include "raw_process.h"

#include <linux/resource.h>
#include <linux/sched.h>

struct param {
    int priority;
};

static volatile int go, ready, ran, stop, n_naps;
static volatile unsigned long n_turns[2];

static long become(int policy, int priority)
{
    struct param param = {priority};
    return sys(sched_setscheduler, 0, policy, &param);
}

static void waits(void *argument)
{
    EQ(become(SCHED_FIFO, *(int *)argument), 0);
    ready = 1;
    while (!go)
        futex(&go, FUTEX_WAIT, 0, NULL, NULL, 0);
    ran = 1;
}

// Whether a thread of that priority runs before the call that wakes it has returned.
static int runs_at_once(int priority)
{
    struct thread thread;
    go = ready = ran = 0;
    CHECK(start_thread(&thread, waits, &priority, 0, 0) > 0);
    await(&ready, 1);
    nap(2);
    go = 1;
    EQ(futex(&go, FUTEX_WAKE, 1, NULL, NULL, 0), 1);
    int at_once = ran;
    if (!at_once)
        sys(sched_yield);
    int after_yield = ran;
    join_thread(&thread);
    EQ(ran, 1);
    return at_once * 2 + after_yield;
}

static void hog(void *argument)
{
    long nice = *(long *)argument;
    EQ(sys(setpriority, PRIO_PROCESS, 0, nice), 0);
    while (!stop)
        n_turns[nice > 0]++;
}

static void naps(void *argument)
{
    (void)argument;
    for (int i = 0; i < 20; i++) {
        nap(1);
        n_naps++;
    }
    stop = 1;
}

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    unsigned long one = 1;
    struct thread threads[3];
    CHECK(sys(sched_setaffinity, 0, 8, &one) >= 0);

    static long nices[] = {0, 15};
    for (int i = 0; i < 2; i++)
        CHECK(start_thread(&threads[i], hog, &nices[i], 0, 0) > 0);
    nap(400);
    stop = 1;
    for (int i = 0; i < 2; i++)
        join_thread(&threads[i]);
    CHECK(n_turns[0] > 3 * n_turns[1]);                 // 28 times as much by the weights

    stop = 0;
    for (int i = 0; i < 2; i++)
        CHECK(start_thread(&threads[i], hog, &nices[0], 0, 0) > 0);
    CHECK(start_thread(&threads[2], naps, NULL, 0, 0) > 0);
    for (int i = 0; i < 3; i++)
        join_thread(&threads[i]);
    EQ(n_naps, 20);

    if (become(SCHED_FIFO, 10) == -EPERM)
        return 0;
    EQ(runs_at_once(20), 3);
    EQ(runs_at_once(10), 1);
    EQ(runs_at_once(5), 0);
    EQ(become(SCHED_RR, 10), 0);
    EQ(runs_at_once(11), 3);
    EQ(runs_at_once(10), 1);
    EQ(become(SCHED_NORMAL, 0), 0);
    EQ(runs_at_once(1), 3);
    return 0;
}
