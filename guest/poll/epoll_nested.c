// epoll(7): an epoll in an epoll, and in poll(2): readable while something in it is ready; rings and towers are ELOOP.
#include "raw_poll.h"

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    int outer = sys(epoll_create1, 0), inner = sys(epoll_create1, 0), ends[2];
    char byte;
    unsigned got;
    make_pipe(ends, 0);
    EQ(watch(outer, EPOLL_CTL_ADD, inner, EPOLLIN | EPOLLOUT, 1), 0);
    EQ(watch(inner, EPOLL_CTL_ADD, ends[0], EPOLLIN, 2), 0);
    EQ(poll_one(inner, ALL_POLL, 0), 0);
    EQ(next_event(outer, 0, NULL), -1);
    sys(write, ends[1], "x", 1);
    EQ(poll_one(inner, ALL_POLL, 0), POLLIN | POLLRDNORM);
    EQ(poll_one(outer, ALL_POLL, 0), POLLIN | POLLRDNORM);
    EQ(next_event(outer, -1, &got), 1);
    EQ(got, EPOLLIN);
    EQ(next_event(inner, 0, NULL), 2);
    EQ(next_event(outer, 0, NULL), 1);
    sys(read, ends[0], &byte, 1);
    EQ(next_event(outer, 0, NULL), -1);
    EQ(poll_one(outer, ALL_POLL, 0), 0);

    // sleeping
    for (int how = 0; how < 3; how++) {
        long child = sys(fork);
        if (child == 0) {
            nap(15);
            sys(write, ends[1], "x", 1);
            quit(0);
        }
        if (how == 0)
            EQ(next_event(outer, -1, NULL), 1);
        else
            EQ(poll_one(how == 1 ? outer : inner, POLLIN, -1), POLLIN);
        EQ(wait_status(child), EXITED(0));
        EQ(sys(read, ends[0], &byte, 1), 1);
    }

    // edge-triggered from within: each change of the pipe is one
    EQ(watch(outer, EPOLL_CTL_MOD, inner, EPOLLIN | EPOLLET, 1), 0);
    sys(write, ends[1], "x", 1);
    EQ(next_event(outer, 0, NULL), 1);
    EQ(next_event(outer, 0, NULL), -1);
    sys(write, ends[1], "x", 1);
    EQ(next_event(outer, 0, NULL), 1);
    EQ(next_event(outer, 0, NULL), -1);

    // rings and towers
    EQ(watch(inner, EPOLL_CTL_ADD, outer, EPOLLIN, 3), -ELOOP);
    EQ(watch(inner, EPOLL_CTL_ADD, inner, EPOLLIN, 3), -EINVAL);
    EQ(watch(outer, EPOLL_CTL_ADD, inner, EPOLLIN, 3), -EEXIST);
    int tower[12], height = 0;
    long result = 0;
    tower[0] = sys(epoll_create1, 0);
    while (height < 11 && result == 0) {
        tower[++height] = sys(epoll_create1, 0);
        result = watch(tower[height], EPOLL_CTL_ADD, tower[height - 1], EPOLLIN, 0);
    }
    EQ(result, -ELOOP);
    CHECK(height >= 4 && height <= 7);
    EQ(watch(tower[0], EPOLL_CTL_ADD, tower[height - 1], EPOLLIN, 0), -ELOOP);
    EQ(watch(tower[0], EPOLL_CTL_ADD, ends[0], EPOLLIN, 9), 0);
    EQ(poll_one(tower[height - 1], POLLIN, 0), POLLIN);

    // the inner one goes
    sys(close, inner);
    EQ(next_event(outer, 0, NULL), -1);
    return 0;
}
