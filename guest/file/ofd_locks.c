// Locks of open file descriptions: owned by what open(2) made, shared by dup and fork, against POSIX ones too (fcntl(2)).
#include "raw_file.h"

static long lock(int fd, int command, int type, long start, long length)
{
    struct flock wish = {.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = length};
    return sys(fcntl, fd, command, &wish);
}

static struct flock asked(int fd, int command, int type)
{
    struct flock wish = {.l_type = type, .l_whence = SEEK_SET};
    EQ(sys(fcntl, fd, command, &wish), 0);
    return wish;
}

MAIN
{
    int first = new_file("locked"), second = sys(open, "locked", O_RDWR), twin = sys(dup, first);
    struct flock found;
    EQ(lock(first, F_OFD_SETLK, F_WRLCK, 10, 10), 0);
    EQ(lock(second, F_OFD_SETLK, F_RDLCK, 15, 1), -EAGAIN); // two descriptions, one process
    EQ(lock(second, F_SETLK, F_RDLCK, 15, 1), -EAGAIN);     // the process is another owner
    EQ(lock(first, F_SETLK, F_RDLCK, 15, 1), -EAGAIN);
    EQ(lock(twin, F_OFD_SETLK, F_RDLCK, 15, 1), 0); // the same description
    found = asked(second, F_OFD_GETLK, F_WRLCK);
    EQ(found.l_type, F_WRLCK);
    EQ(found.l_start, 10);
    EQ(found.l_len, 5);
    EQ(found.l_pid, -1);
    found = asked(second, F_GETLK, F_WRLCK);
    EQ(found.l_pid, -1);
    EQ(asked(twin, F_OFD_GETLK, F_WRLCK).l_type, F_UNLCK);
    sys(close, second); // of an open file without locks
    second = sys(open, "locked", O_RDWR);
    EQ(lock(second, F_OFD_SETLK, F_WRLCK, 10, 1), -EAGAIN);
    sys(close, first); // the twin keeps them
    EQ(lock(second, F_OFD_SETLK, F_WRLCK, 10, 1), -EAGAIN);
    EQ(wait_status(IN_CHILD(quit(lock(twin, F_OFD_SETLK, F_UNLCK, 10, 1)))), 0); // a child shares them
    EQ(lock(second, F_OFD_SETLK, F_WRLCK, 10, 1), 0);
    EQ(wait_status(IN_CHILD(sys(close, second))), 0); // not the last owner
    EQ(lock(twin, F_OFD_SETLK, F_WRLCK, 10, 1), -EAGAIN);
    // A POSIX lock stands in the way too, and names its process
    EQ(lock(second, F_SETLK, F_WRLCK, 100, 1), 0);
    EQ(lock(second, F_OFD_SETLK, F_RDLCK, 100, 1), -EAGAIN);
    found = (struct flock){.l_type = F_RDLCK, .l_start = 100, .l_len = 1};
    EQ(sys(fcntl, second, F_OFD_GETLK, &found), 0);
    EQ(found.l_pid, self());
    sys(close, twin); // gives up the process's locks on the file, and those of the description
    EQ(lock(second, F_OFD_SETLK, F_RDLCK, 100, 1), 0);
    EQ(lock(second, F_OFD_SETLK, F_RDLCK, 11, 5), 0);

    found = (struct flock){.l_type = F_RDLCK, .l_start = 0, .l_len = 1, .l_pid = 1};
    EQ(sys(fcntl, second, F_OFD_SETLK, &found), -EINVAL); // l_pid must be 0
    EQ(sys(fcntl, second, F_OFD_GETLK, &found), -EINVAL);
    EQ(sys(fcntl, second, F_OFD_SETLKW, &found), -EINVAL);
    int reader = sys(open, "locked", O_RDONLY);
    EQ(lock(reader, F_OFD_SETLK, F_WRLCK, 0, 1), -EBADF);

    // F_OFD_SETLKW sleeps; it knows no deadlock
    volatile int *step = shared(PAGE);
    EQ(lock(second, F_OFD_SETLK, F_UNLCK, 0, 0), 0);
    EQ(lock(second, F_OFD_SETLK, F_WRLCK, 0, 1), 0);
    long child = IN_CHILD({
        step[0] = 1;
        step[1] = lock(reader, F_OFD_SETLKW, F_RDLCK, 0, 1);
        step[2] = step[3];
    });
    await(step, 1);
    nap(30);
    step[3] = 1;
    EQ(lock(second, F_OFD_SETLK, F_UNLCK, 0, 1), 0);
    EQ(wait_status(child), 0);
    EQ(step[1], 0);
    EQ(step[2], 1);
    return 0;
}
