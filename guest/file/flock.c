// flock(2): locks of open file descriptions on whole files; converted in two steps; what has been asked for in vain is lost.
#include "raw_file.h"

#define LOCK_SH 1
#define LOCK_EX 2
#define LOCK_NB 4
#define LOCK_UN 8

MAIN
{
    int first = new_file("locked"), second = sys(open, "locked", O_RDONLY), twin = sys(dup, first);
    EQ(sys(flock, first, LOCK_EX | LOCK_NB), 0);
    EQ(sys(flock, twin, LOCK_SH | LOCK_NB), 0); // the same description: converted
    EQ(sys(flock, second, LOCK_SH | LOCK_NB), 0);
    EQ(sys(flock, second, LOCK_EX | LOCK_NB), -EAGAIN); // and its shared lock is lost by that
    EQ(sys(flock, first, LOCK_EX | LOCK_NB), 0);
    EQ(sys(flock, second, LOCK_SH | LOCK_NB), -EAGAIN);
    struct flock wish = {.l_type = F_WRLCK};
    EQ(sys(fcntl, first, F_SETLK, &wish), 0); // record locks are others
    EQ(wait_status(IN_CHILD(sys(flock, first, LOCK_UN))), 0); // a child shares the description
    EQ(sys(flock, second, LOCK_EX | LOCK_NB), 0);
    sys(close, first);
    EQ(sys(flock, twin, LOCK_EX | LOCK_NB), -EAGAIN);
    sys(close, second);
    EQ(sys(flock, twin, LOCK_EX | LOCK_NB), 0);

    EQ(sys(flock, twin, 0), -EINVAL);
    EQ(sys(flock, twin, LOCK_SH | LOCK_EX), -EINVAL);
    EQ(sys(flock, twin, LOCK_SH | 16), -EINVAL);
    EQ(sys(flock, -1, LOCK_SH), -EBADF);
    EQ(sys(flock, -1, 0), -EINVAL);
    int path = sys(open, "locked", O_PATH), directory = sys(open, ".", O_RDONLY), ends[2];
    EQ(sys(flock, path, LOCK_SH), -EBADF);
    EQ(sys(flock, path, LOCK_UN), -EBADF);
    EQ(sys(flock, directory, LOCK_EX | LOCK_NB), 0);
    EQ(sys(pipe2, ends, 0), 0);
    EQ(sys(flock, ends[0], LOCK_EX | LOCK_NB), 0);
    EQ(sys(flock, ends[1], LOCK_SH | LOCK_NB), -EAGAIN);

    volatile int *step = shared(PAGE);
    long child = IN_CHILD({
        int own = sys(open, "locked", O_RDONLY);
        sys(close, twin);
        step[0] = 1;
        step[1] = sys(flock, own, LOCK_EX);
        step[2] = step[3];
    });
    await(step, 1);
    nap(30);
    step[3] = 1;
    sys(close, twin); // wakes
    EQ(wait_status(child), 0);
    EQ(step[1], 0);
    EQ(step[2], 1);
    return 0;
}
