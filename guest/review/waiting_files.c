// fifo(7), flock(2), fcntl(2): opening one end of a FIFO and taking a lock wait, a signal ends that, and others run on.
#include "raw_signal.h"

#include <linux/time_types.h>

static void noted(int signo, siginfo_t *info, struct raw_ucontext *context)
{
    (void)signo, (void)info, (void)context;
}

static void nap(long ms)
{
    struct __kernel_timespec time = {0, ms * 1000000};
    sys(nanosleep, &time, NULL);
}

static int in_child(void)
{
    return sys(fork) == 0;
}

static void poke_soon(int pid)
{
    if (in_child()) {
        nap(100);
        sys(kill, pid, SIGUSR1);
        sys(exit, 0);
    }
}

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    char buffer[16];
    int pid = sys(getpid);
    raw_handle(SIGUSR1, noted, 0);
    EQ(sys(mknod, "fifo", 010600, 0), 0);

    if (in_child()) { // a writer that comes later, and says nothing at first
        nap(50);
        int fd = sys(open, "fifo", O_WRONLY);
        nap(50);
        sys(write, fd, "from the child", 14);
        sys(exit, 0);
    }
    int fd = sys(open, "fifo", O_RDONLY);
    CHECK(fd >= 0);
    EQ(sys(read, fd, buffer, sizeof buffer), 14);
    EQ(sys(read, fd, buffer, sizeof buffer), 0);
    sys(close, fd);

    EQ(sys(open, "fifo", O_WRONLY | O_NONBLOCK), -ENXIO);
    if (in_child()) {
        nap(50);
        sys(open, "fifo", O_RDONLY);
        nap(50);
        sys(exit, 0);
    }
    fd = sys(open, "fifo", O_WRONLY);
    CHECK(fd >= 0);
    EQ(sys(write, fd, "x", 1), 1);
    sys(close, fd);
    sys(wait4, -1, NULL, 0, NULL), sys(wait4, -1, NULL, 0, NULL);

    poke_soon(pid);
    EQ(sys(open, "fifo", O_RDONLY), -EINTR);
    poke_soon(pid);
    EQ(sys(open, "fifo", O_WRONLY), -EINTR);

    int one = sys(open, "lock", O_RDWR | O_CREAT, 0600), two = sys(open, "lock", O_RDWR);
    EQ(sys(flock, one, 2), 0);
    EQ(sys(flock, two, 2 | 4), -EAGAIN);
    poke_soon(pid);
    EQ(sys(flock, two, 2), -EINTR);
    if (in_child()) {
        nap(50);
        sys(flock, one, 8);
        sys(exit, 0);
    }
    EQ(sys(flock, two, 2), 0);

    struct flock lock = {F_WRLCK, 0, 0, 0, 0};
    EQ(sys(fcntl, one, F_OFD_SETLKW, &lock), 0);
    EQ(sys(fcntl, two, F_OFD_SETLK, &lock), -EAGAIN);
    poke_soon(pid);
    EQ(sys(fcntl, two, F_OFD_SETLKW, &lock), -EINTR);

    int ends[2];
    EQ(sys(pipe, ends), 0);
    EQ(sys(flock, ends[0], 2), 0);
    EQ(sys(flock, ends[1], 1 | 4), -EAGAIN);
    poke_soon(pid);
    EQ(sys(flock, ends[1], 2), -EINTR);
    EQ(sys(flock, ends[0], 8), 0);
    EQ(sys(flock, ends[1], 2), 0);
    return 0;
}
