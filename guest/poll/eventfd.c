// eventfd(2): a counter; reads take it or, from a semaphore, 1; writes add and wait at its end; poll's events; sharing
// with a child.
#include "raw_poll.h"

static int semaphore;

static void takes(void *argument)
{
    unsigned long value = 0;
    *(volatile int *)argument = sys(read, semaphore, &value, 8) == 8 && value == 1;
}

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    unsigned long value = 0, pair[2] = {3, 4};
    EQ(sys(eventfd2, 0, 2), -EINVAL);
    int fd = sys(eventfd2, 5, NONBLOCK);
    CHECK(fd >= 0);
    EQ(sys(fcntl, fd, F_GETFL), O_RDWR | NONBLOCK);
    EQ(poll_one(fd, ALL_POLL, 0), POLLIN | POLLOUT);
    EQ(sys(read, fd, &value, 7), -EINVAL);
    EQ(sys(read, fd, NULL, 7), -EINVAL);
    EQ(sys(read, fd, &value, 8), 8);
    EQ(value, 5);
    EQ(poll_one(fd, ALL_POLL, 0), POLLOUT);
    EQ(sys(read, fd, &value, 8), -EAGAIN);
    EQ(sys(read, fd, NULL, 8), -EAGAIN);
    EQ(sys(write, fd, pair, 7), -EINVAL);
    EQ(sys(write, fd, NULL, 7), -EINVAL);
    EQ(sys(write, fd, NULL, 8), -EFAULT);
    EQ(sys(write, fd, pair, 8), 8);
    EQ(sys(write, fd, pair, 8), 8);
    EQ(sys(read, fd, pair, 16), 8);                             // more room does not matter
    EQ(pair[0], 6);
    EQ(pair[1], 4);
    value = 1;
    EQ(sys(write, fd, &value, 8), 8);
    EQ(sys(read, fd, BAD_POINTER, 8), -EFAULT);                 // taken, and lost
    EQ(sys(read, fd, &value, 8), -EAGAIN);
    value = -1UL;
    EQ(sys(write, fd, &value, 8), -EINVAL);
    value = 0;
    EQ(sys(write, fd, &value, 8), 8);
    EQ(sys(read, fd, &value, 8), -EAGAIN);
    value = -2UL;
    EQ(sys(write, fd, &value, 8), 8);
    EQ(poll_one(fd, ALL_POLL, 0), POLLIN);
    value = 1;
    EQ(sys(write, fd, &value, 8), -EAGAIN);
    value = 0;
    EQ(sys(write, fd, &value, 8), 8);
    EQ(sys(pread64, fd, &value, 8, 0), -ESPIPE);
    EQ(sys(lseek, fd, 5, 0), 0);
    EQ(sys(ftruncate, fd, 0), -EINVAL);
    EQ(sys(mmap, NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0), -ENODEV);
    char link[32] = {0};
    char name[] = "/proc/self/fd/0";
    name[14] += fd;
    EQ(sys(readlink, name, link, 32), 20);
    EQ(strcmp(link, "anon_inode:[eventfd]"), 0);

    // waiting for the one side and the other
    int blocking = sys(eventfd, 0);
    EQ(sys(fcntl, blocking, F_GETFL), O_RDWR);
    long child = sys(fork);
    if (child == 0) {
        nap(10);
        value = 7;
        sys(write, blocking, &value, 8);
        nap(10);
        sys(read, fd, &value, 8);
        quit(value == -2UL ? 0 : 1);
    }
    EQ(sys(read, blocking, &value, 8), 8);
    EQ(value, 7);
    EQ(sys(fcntl, fd, F_SETFL, 0), 0);
    value = 2;
    EQ(sys(write, fd, &value, 8), 8);                           // waits until the child has read
    EQ(wait_status(child), EXITED(0));
    EQ(sys(read, fd, &value, 8), 8);
    EQ(value, 2);

    // a semaphore, and an epoll on it
    semaphore = sys(eventfd2, 2, EFD_SEMAPHORE);
    int epoll = sys(epoll_create1, 0);
    EQ(watch(epoll, EPOLL_CTL_ADD, semaphore, EPOLLIN | EPOLLET, 1), 0);
    EQ(next_event(epoll, 0, NULL), 1);
    EQ(sys(read, semaphore, &value, 8), 8);
    EQ(value, 1);
    EQ(next_event(epoll, 0, NULL), -1);                         // a read is news for writers only
    EQ(sys(read, semaphore, &value, 8), 8);
    EQ(poll_one(semaphore, ALL_POLL, 0), POLLOUT);
    struct thread threads[4];
    volatile int good[4] = {0};
    for (int i = 0; i < 4; i++)
        start_thread(&threads[i], takes, (void *)&good[i], 0, 0);
    nap(10);
    value = 4;
    EQ(sys(write, semaphore, &value, 8), 8);
    for (int i = 0; i < 4; i++) {
        join_thread(&threads[i]);
        EQ(good[i], 1);
    }
    value = 3;
    EQ(sys(write, semaphore, &value, 8), 8);
    EQ(next_event(epoll, 0, NULL), 1);
    EQ(poll_one(semaphore, ALL_POLL, 0), POLLIN | POLLOUT);
    return 0;
}
