// F_SETLKW sleeps until the range is free; a cycle of sleepers is EDEADLK, a handler ends the sleep with EINTR (fcntl(2)).
#include "raw_file.h"

static long lock(int fd, int command, int type, long start, long length)
{
    struct flock wish = {.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = length};
    return sys(fcntl, fd, command, &wish);
}

// Until somebody waits for [start, start + length), a lock of which the caller has: nothing tells, so a little while.
static void let_sleep(void)
{
    nap(30);
}

static void waits(int fd)
{
    volatile int *step = shared(PAGE);
    EQ(lock(fd, F_SETLK, F_WRLCK, 0, 10), 0);
    long child = IN_CHILD({
        step[0] = 1;
        step[1] = lock(fd, F_SETLKW, F_RDLCK, 5, 1);
        step[2] = step[3];
    });
    await(step, 1);
    let_sleep();
    EQ(step[1], 0);
    EQ(lock(fd, F_SETLK, F_UNLCK, 0, 5), 0); // not what it waits for
    let_sleep();
    step[3] = 1;
    EQ(lock(fd, F_SETLK, F_RDLCK, 5, 5), 0); // a shared lock is enough
    EQ(wait_status(child), EXITED(0));
    EQ(step[1], 0);
    EQ(step[2], 1);
    EQ(lock(fd, F_SETLK, F_UNLCK, 0, 0), 0);
}

static void deadlock(int fd)
{
    volatile int *step = shared(PAGE);
    EQ(lock(fd, F_SETLK, F_WRLCK, 0, 1), 0);
    long child = IN_CHILD({
        lock(fd, F_SETLK, F_WRLCK, 1, 1);
        step[0] = 1;
        step[1] = lock(fd, F_SETLKW, F_WRLCK, 0, 1); // the parent's
        step[2] = 1;
    });
    await(step, 1);
    let_sleep();
    EQ(lock(fd, F_SETLKW, F_WRLCK, 1, 1), -EDEADLK);
    EQ(step[2], 0);
    EQ(lock(fd, F_SETLK, F_WRLCK, 1, 1), -EAGAIN);
    EQ(lock(fd, F_SETLK, F_UNLCK, 0, 1), 0);
    EQ(wait_status(child), EXITED(0));
    EQ(step[1], 0);
    // Three in a ring
    long second;
    step[0] = step[4] = 0;
    EQ(lock(fd, F_SETLK, F_WRLCK, 0, 1), 0);
    child = IN_CHILD({
        lock(fd, F_SETLK, F_WRLCK, 1, 1);
        step[0] = 1;
        await(step + 4, 1);
        step[1] = lock(fd, F_SETLKW, F_WRLCK, 0, 1);
    });
    await(step, 1);
    second = IN_CHILD({
        lock(fd, F_SETLK, F_WRLCK, 2, 1);
        step[4] = 1;
        step[5] = lock(fd, F_SETLKW, F_RDLCK, 1, 1);
    });
    await(step + 4, 1);
    let_sleep();
    EQ(lock(fd, F_SETLKW, F_RDLCK, 2, 1), -EDEADLK);
    EQ(lock(fd, F_SETLK, F_UNLCK, 0, 0), 0);
    EQ(wait_status(child), EXITED(0));
    EQ(wait_status(second), EXITED(0));
    EQ(step[1], 0);
    EQ(step[5], 0);
}

static int n_alarms;
static void on_alarm(int signo UNUSED, siginfo_t *info UNUSED, struct raw_ucontext *context UNUSED)
{
    n_alarms++;
}

static void interrupted(int fd)
{
    volatile int *step = shared(PAGE);
    EQ(lock(fd, F_SETLK, F_WRLCK, 0, 1), 0);
    long child = IN_CHILD({
        raw_handle(SIGUSR1, on_alarm, 0);
        step[0] = 1;
        step[1] = lock(fd, F_SETLKW, F_WRLCK, 0, 1);
        raw_handle(SIGUSR1, on_alarm, SA_RESTART);
        step[0] = 2;
        step[2] = lock(fd, F_SETLKW, F_WRLCK, 0, 1); // made again
        step[3] = n_alarms;
    });
    await(step, 1);
    let_sleep();
    EQ(sys(kill, child, SIGUSR1), 0);
    await(step, 2);
    let_sleep();
    EQ(sys(kill, child, SIGUSR1), 0);
    let_sleep();
    EQ(lock(fd, F_SETLK, F_UNLCK, 0, 1), 0);
    EQ(wait_status(child), EXITED(0));
    EQ(step[1], -EINTR);
    EQ(step[2], 0);
    EQ(step[3], 2);
}

// The holder's end wakes too; and who waits when the file is closed under it has the lock for nothing.
static void ends(int fd)
{
    volatile int *step = shared(PAGE);
    long child = IN_CHILD({
        lock(fd, F_SETLK, F_WRLCK, 0, 1);
        step[0] = 1;
        await(step + 1, 1);
        let_sleep();
    });
    await(step, 1);
    step[1] = 1;
    EQ(lock(fd, F_SETLKW, F_WRLCK, 0, 1), 0);
    EQ(lock(fd, F_SETLK, F_UNLCK, 0, 1), 0);
    wait_status(child);
}

MAIN
{
    int fd = new_file("locked");
    waits(fd);
    deadlock(fd);
    interrupted(fd);
    ends(fd);
    return 0;
}
