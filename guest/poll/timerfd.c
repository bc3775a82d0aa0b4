// timerfd_create(2): once and in intervals, relative and absolute, on both clocks; what is read and what is left; poll
// and epoll; the errors.
#include "raw_poll.h"

struct times { struct __kernel_timespec interval, value; };

static long start(int fd, int flags, long value_ms, long interval_ms)
{
    struct times times = {{interval_ms / 1000, interval_ms % 1000 * MS}, {value_ms / 1000, value_ms % 1000 * MS}};
    return sys(timerfd_settime, fd, flags, &times, NULL);
}

static long read_ticks(int fd)
{
    unsigned long ticks = 0;
    long got = sys(read, fd, &ticks, 8);
    return got == 8 ? (long)ticks : got;
}

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    struct times old, times = {{0, 0}, {0, 0}};
    EQ(sys(timerfd_create, 99, 0), -EINVAL);
    EQ(sys(timerfd_create, CLOCK_PROCESS_CPUTIME_ID, 0), -EINVAL);
    EQ(sys(timerfd_create, CLOCK_MONOTONIC, 1), -EINVAL);
    int fd = sys(timerfd_create, CLOCK_MONOTONIC, NONBLOCK), blocking = sys(timerfd_create, CLOCK_REALTIME, 0);
    int boot = sys(timerfd_create, CLOCK_BOOTTIME, O_CLOEXEC);
    CHECK(fd >= 0 && blocking >= 0 && boot >= 0);
    EQ(sys(fcntl, boot, F_GETFD), 1);
    EQ(sys(fcntl, fd, F_GETFL), O_RDWR | NONBLOCK);
    EQ(sys(timerfd_gettime, fd, &old), 0);
    EQ(old.value.tv_sec | old.value.tv_nsec | old.interval.tv_sec | old.interval.tv_nsec, 0);
    EQ(read_ticks(fd), -EAGAIN);
    EQ(sys(read, fd, &old, 7), -EINVAL);
    EQ(sys(write, fd, &old, 8), -EINVAL);
    EQ(poll_one(fd, ALL_POLL, 0), 0);

    // errors
    EQ(sys(timerfd_settime, -1, 99, NULL, NULL), -EFAULT);
    EQ(sys(timerfd_settime, -1, 4, &times, NULL), -EINVAL);
    times.value.tv_nsec = 1000000000;
    EQ(sys(timerfd_settime, -1, 0, &times, NULL), -EINVAL);
    times.value.tv_nsec = 0, times.interval.tv_sec = -1;
    EQ(sys(timerfd_settime, -1, 0, &times, NULL), -EINVAL);
    times.interval.tv_sec = 0;
    EQ(sys(timerfd_settime, -1, 0, &times, NULL), -EBADF);
    EQ(sys(timerfd_settime, 0, 0, &times, NULL), -EINVAL);
    EQ(sys(timerfd_gettime, 0, &times), -EINVAL);
    EQ(sys(timerfd_gettime, -1, &times), -EBADF);
    EQ(sys(timerfd_gettime, fd, BAD_POINTER), -EFAULT);
    times.value.tv_sec = 5;
    EQ(sys(timerfd_settime, fd, 0, &times, BAD_POINTER), -EFAULT);  // and set
    EQ(sys(timerfd_gettime, fd, &old), 0);
    CHECK(old.value.tv_sec == 4 && old.value.tv_nsec > 0);

    // once
    EQ(start(fd, 0, 200, 0), 0);
    EQ(sys(timerfd_gettime, fd, &old), 0);
    CHECK(old.value.tv_sec == 0 && old.value.tv_nsec > 0 && old.value.tv_nsec <= 200 * MS);
    EQ(read_ticks(fd), -EAGAIN);
    EQ(poll_one(fd, ALL_POLL, -1), POLLIN);
    EQ(sys(timerfd_gettime, fd, &old), 0);
    EQ(old.value.tv_nsec, 0);
    EQ(read_ticks(fd), 1);
    EQ(poll_one(fd, ALL_POLL, 0), 0);
    EQ(read_ticks(fd), -EAGAIN);

    // intervals: what is missed is counted
    long before = now_ms();
    EQ(start(fd, 0, 10, 10), 0);
    nap(55);
    long ticks = read_ticks(fd), passed = now_ms() - before;
    CHECK(ticks >= 5 && ticks <= passed / 10 + 1);
    EQ(poll_one(fd, POLLIN, -1), POLLIN);
    CHECK(read_ticks(fd) >= 1);
    times.value.tv_sec = times.interval.tv_sec = 0;
    EQ(sys(timerfd_settime, fd, 0, &times, &old), 0);           // stop
    EQ(old.interval.tv_nsec, 10 * MS);
    CHECK(old.value.tv_nsec > 0 && old.value.tv_nsec <= 10 * MS);
    nap(15);
    EQ(read_ticks(fd), -EAGAIN);

    // blocking, on the other clocks; absolute times, past ones too; the wall clock may be asked for jumps
    EQ(start(blocking, 0, 15, 0), 0);
    EQ(read_ticks(blocking), 1);
    EQ(sys(clock_gettime, CLOCK_REALTIME, &times.value), 0);
    times.value.tv_nsec += 15 * MS;
    if (times.value.tv_nsec >= 1000 * MS)
        times.value.tv_sec++, times.value.tv_nsec -= 1000 * MS;
    EQ(sys(timerfd_settime, blocking, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &times, NULL), 0);
    EQ(read_ticks(blocking), 1);
    times.value.tv_sec -= 10, times.interval.tv_sec = 4;
    EQ(sys(timerfd_settime, blocking, TFD_TIMER_ABSTIME, &times, NULL), 0);
    EQ(read_ticks(blocking), 3);                                // 10, 6 and 2 seconds ago
    times.value.tv_sec = 0, times.value.tv_nsec = 1, times.interval.tv_sec = 0;
    EQ(sys(timerfd_settime, boot, TFD_TIMER_ABSTIME, &times, NULL), 0);
    EQ(poll_one(boot, POLLIN, -1), POLLIN);
    EQ(sys(read, boot, BAD_POINTER, 8), -EFAULT);
    EQ(poll_one(boot, POLLIN, 0), 0);

    // sleeping in epoll, a signal, and a timer that is set while somebody waits
    int epoll = sys(epoll_create1, 0);
    EQ(watch(epoll, EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLET, 1), 0);
    EQ(start(fd, 0, 10, 10), 0);
    EQ(next_event(epoll, -1, NULL), 1);
    EQ(next_event(epoll, 30, NULL), -1);                        // it goes on when it is read
    CHECK(read_ticks(fd) >= 3);
    EQ(next_event(epoll, -1, NULL), 1);
    EQ(start(fd, 0, 0, 0), 0);
    long child = sys(fork);
    if (child == 0) {
        nap(10);
        quit(start(fd, 0, 10, 0) == 0 ? 0 : 1);
    }
    EQ(next_event(epoll, -1, NULL), 1);
    EQ(wait_status(child), EXITED(0));
    EQ(read_ticks(fd), 1);

    // an empty loop that asks without waiting sees it too
    EQ(start(fd, 0, 5, 0), 0);
    while (next_event(epoll, 0, NULL) != 1)
        ;
    EQ(read_ticks(fd), 1);
    EQ(start(fd, 0, 5, 0), 0);
    while ((ticks = read_ticks(fd)) == -EAGAIN)
        ;
    EQ(ticks, 1);
    return 0;
}
