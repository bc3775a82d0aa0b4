// epoll(7), level-triggered: epoll_ctl(2)'s errors and their order; what epoll_wait(2) tells, in turns; changing,
// removing, closing; a descriptor that is closed while another one of the same file is open; what cannot be in an epoll.
#include "raw_poll.h"

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    EQ(sys(epoll_create, 0), -EINVAL);
    EQ(sys(epoll_create, -1), -EINVAL);
    EQ(sys(epoll_create1, 1), -EINVAL);
    int epoll = sys(epoll_create, 1), other = sys(epoll_create1, EPOLL_CLOEXEC);
    CHECK(epoll >= 0 && other >= 0);
    EQ(sys(fcntl, epoll, F_GETFD), 0);
    EQ(sys(fcntl, other, F_GETFD), 1);
    EQ(sys(fcntl, epoll, F_GETFL), O_RDWR);
    char page[4096];
    EQ(sys(read, epoll, page, 8), -EINVAL);
    EQ(sys(write, epoll, page, 8), -EINVAL);
    EQ(sys(lseek, epoll, 10, 0), 0);
    EQ(sys(pread64, epoll, page, 8, 0), -ESPIPE);

    int a[2], b[2];
    make_pipe(a, NONBLOCK), make_pipe(b, NONBLOCK);
    int file = sys(open, "file", O_RDWR | O_CREAT, 0600), directory = sys(open, ".", O_RDONLY);
    int null = sys(open, "/dev/null", O_RDWR), path = sys(open, ".", O_PATH), random = sys(open, "/dev/random", O_RDONLY);

    // errors in their order: the event, the two descriptors, what can be watched, by what, and how
    EQ(sys(epoll_ctl, -1, EPOLL_CTL_ADD, -1, NULL), -EFAULT);
    EQ(sys(epoll_ctl, -1, 99, -1, NULL), -EFAULT);
    EQ(sys(epoll_ctl, -1, EPOLL_CTL_DEL, -1, NULL), -EBADF);
    EQ(watch(epoll, EPOLL_CTL_ADD, 999, EPOLLIN, 0), -EBADF);
    EQ(watch(999, EPOLL_CTL_ADD, a[0], EPOLLIN, 0), -EBADF);
    EQ(watch(epoll, EPOLL_CTL_ADD, path, EPOLLIN, 0), -EBADF);
    EQ(watch(a[0], EPOLL_CTL_ADD, file, EPOLLIN, 0), -EPERM);
    EQ(watch(epoll, EPOLL_CTL_ADD, directory, EPOLLIN, 0), -EPERM);
    EQ(watch(epoll, EPOLL_CTL_ADD, null, EPOLLIN, 0), -EPERM);
    EQ(watch(epoll, EPOLL_CTL_DEL, file, EPOLLIN, 0), -EPERM);
    EQ(watch(a[0], EPOLL_CTL_ADD, a[1], EPOLLIN, 0), -EINVAL);
    EQ(watch(epoll, EPOLL_CTL_ADD, epoll, EPOLLIN, 0), -EINVAL);
    EQ(watch(epoll, 99, a[0], EPOLLIN, 0), -EINVAL);
    EQ(watch(epoll, EPOLL_CTL_MOD, a[0], EPOLLIN, 0), -ENOENT);
    EQ(watch(epoll, EPOLL_CTL_DEL, a[0], EPOLLIN, 0), -ENOENT);
    EQ(watch(epoll, EPOLL_CTL_ADD, a[0], EPOLLIN, 10), 0);
    EQ(watch(epoll, EPOLL_CTL_ADD, a[0], EPOLLIN, 10), -EEXIST);
    EQ(watch(other, EPOLL_CTL_ADD, random, EPOLLIN, 5), 0);
    EQ(next_event(other, -1, NULL), 5);

    // waiting
    struct epoll_event events[4];
    EQ(sys(epoll_wait, epoll, events, 0, 0), -EINVAL);
    EQ(sys(epoll_wait, epoll, events, -1, 0), -EINVAL);
    EQ(sys(epoll_wait, epoll, events, 178956971, 0), -EINVAL);
    EQ(sys(epoll_wait, epoll, KERNEL_POINTER, 1, 0), -EFAULT);
    EQ(sys(epoll_wait, -1, NULL, 1, 0), -EBADF);
    EQ(sys(epoll_wait, a[0], events, 1, 0), -EINVAL);
    EQ(sys(epoll_wait, epoll, NULL, 1, 0), 0);
    unsigned got;
    EQ(next_event(epoll, 0, &got), -1);
    sys(write, a[1], "x", 1);
    EQ(next_event(epoll, -1, &got), 10);
    EQ(got, EPOLLIN);
    EQ(next_event(epoll, -1, &got), 10);                        // and again: level-triggered
    EQ(sys(epoll_wait, epoll, NULL, 1, 0), -EFAULT);
    EQ(next_event(epoll, 0, &got), 10);                         // not lost
    sys(read, a[0], page, 1);
    EQ(next_event(epoll, 0, &got), -1);

    // several, in turns
    EQ(watch(epoll, EPOLL_CTL_ADD, a[1], EPOLLOUT | EPOLLWRNORM, 11), 0);
    EQ(watch(epoll, EPOLL_CTL_ADD, b[1], EPOLLOUT, 12), 0);
    EQ(watch(epoll, EPOLL_CTL_ADD, b[0], EPOLLIN, 13), 0);
    EQ(sys(epoll_wait, epoll, events, 4, 0), 2);
    long sum = 0;
    for (int i = 0; i < 6; i++)
        sum += next_event(epoll, 0, NULL);
    EQ(sum, 3 * (11 + 12));
    EQ(sys(epoll_wait, epoll, events, 1, 0), 1);
    char *pages = map(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, 0);
    sys(munmap, pages + PAGE, PAGE);
    EQ(sys(epoll_wait, epoll, pages + PAGE - sizeof *events, 4, 0), 1);     // as many as can be told
    EQ(sys(epoll_wait, epoll, events, 4, 0), 2);

    // change and remove
    EQ(watch(epoll, EPOLL_CTL_MOD, a[1], 0, 21), 0);
    EQ(watch(epoll, EPOLL_CTL_DEL, b[1], 0, 0), 0);
    EQ(watch(epoll, EPOLL_CTL_DEL, b[1], 0, 0), -ENOENT);
    EQ(next_event(epoll, 0, NULL), -1);
    EQ(watch(epoll, EPOLL_CTL_MOD, a[1], EPOLLOUT, 22), 0);
    EQ(next_event(epoll, 0, NULL), 22);
    EQ(watch(epoll, EPOLL_CTL_DEL, a[1], 0, 0), 0);

    // POLLERR and POLLHUP come unasked
    sys(close, a[1]);
    EQ(watch(epoll, EPOLL_CTL_MOD, a[0], 0, 10), 0);
    EQ(next_event(epoll, 0, &got), 10);
    EQ(got, EPOLLHUP);

    // a closed descriptor leaves, but with the last one of its file
    int twin = sys(dup, a[0]);
    sys(close, a[0]);
    EQ(next_event(epoll, 0, &got), 10);
    EQ(watch(epoll, EPOLL_CTL_DEL, a[0], 0, 0), -EBADF);
    EQ(watch(epoll, EPOLL_CTL_DEL, twin, 0, 0), -ENOENT);       // it is known by file and number
    EQ(watch(epoll, EPOLL_CTL_ADD, twin, 0, 30), 0);
    EQ(sys(epoll_wait, epoll, events, 4, 0), 2);
    sys(close, twin);
    EQ(next_event(epoll, 0, &got), -1);
    make_pipe(a, 0);
    EQ(watch(epoll, EPOLL_CTL_ADD, a[0], EPOLLIN, 40), 0);      // the number is another file's

    // one file in two epolls; an epoll that is closed leaves its files alone
    EQ(watch(other, EPOLL_CTL_ADD, a[0], EPOLLIN, 41), 0);
    EQ(watch(other, EPOLL_CTL_DEL, random, 0, 0), 0);
    sys(write, a[1], "x", 1);
    EQ(next_event(epoll, 0, NULL), 40);
    EQ(next_event(other, 0, NULL), 41);
    sys(close, other);
    EQ(next_event(epoll, 0, NULL), 40);
    sys(read, a[0], page, 1);

    // a file that is ready before it is added, or changed, is told
    sys(write, b[1], "x", 1);
    EQ(next_event(epoll, 0, NULL), 13);
    EQ(sys(epoll_pwait2, epoll, events, 4, NULL, NULL, 0), 1);
    sys(read, b[0], page, 1);
    struct __kernel_timespec time = {0, 20 * MS};
    long before = now_ms();
    EQ(sys(epoll_pwait2, epoll, events, 4, &time, NULL, 0), 0);
    CHECK(now_ms() - before >= 19 && time.tv_nsec == 20 * MS);  // nobody is told what is left
    time.tv_nsec = -1;
    EQ(sys(epoll_pwait2, epoll, events, 4, &time, NULL, 0), -EINVAL);
    EQ(sys(epoll_pwait2, epoll, events, 4, BAD_POINTER, NULL, 0), -EFAULT);
    EQ(sys(epoll_pwait, epoll, events, 4, 0, events, 4), -EINVAL);
    EQ(sys(epoll_pwait, epoll, events, 4, 0, BAD_POINTER, 8), -EFAULT);
    EQ(sys(epoll_pwait, epoll, events, 4, 0, NULL, 4), 0);
    return 0;
}
