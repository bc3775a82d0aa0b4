// epoll(7): EPOLLET tells each change once, EPOLLONESHOT once at all until EPOLL_CTL_MOD; what a change is for a pipe:
// every write for its reader, for its writer the first free page.
#include "raw_poll.h"

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    int epoll = sys(epoll_create1, 0), ends[2];
    char page[4096];
    unsigned got;
    make_pipe(ends, NONBLOCK);
    EQ(watch(epoll, EPOLL_CTL_ADD, ends[0], EPOLLIN | EPOLLET, 1), 0);
    EQ(next_event(epoll, 0, NULL), -1);
    sys(write, ends[1], "abcd", 4);
    EQ(next_event(epoll, -1, &got), 1);
    EQ(got, EPOLLIN);
    EQ(next_event(epoll, 0, NULL), -1);                         // still readable, and nothing new
    sys(read, ends[0], page, 1);
    EQ(next_event(epoll, 0, NULL), -1);
    sys(write, ends[1], "e", 1);
    EQ(next_event(epoll, 0, NULL), 1);                          // a write is new, whatever was in the pipe
    sys(write, ends[1], "f", 1), sys(write, ends[1], "g", 1);
    EQ(next_event(epoll, 0, NULL), 1);
    EQ(next_event(epoll, 0, NULL), -1);                         // two changes, one event
    sys(write, ends[1], "h", 1);
    sys(read, ends[0], page, sizeof page);
    EQ(next_event(epoll, 0, NULL), -1);                         // looked at when it is told: there is nothing any more
    sys(write, ends[1], "i", 1);
    EQ(next_event(epoll, 0, NULL), 1);
    EQ(watch(epoll, EPOLL_CTL_MOD, ends[0], EPOLLIN | EPOLLET, 2), 0);
    EQ(next_event(epoll, 0, NULL), 2);                          // a change of the item is one too
    EQ(next_event(epoll, 0, NULL), -1);

    // the writer's side
    EQ(watch(epoll, EPOLL_CTL_ADD, ends[1], EPOLLOUT | EPOLLET, 3), 0);
    EQ(next_event(epoll, 0, &got), 3);
    EQ(got, EPOLLOUT);
    sys(read, ends[0], page, 1);
    EQ(next_event(epoll, 0, NULL), -1);                         // it was not full
    fill(ends[1]);
    EQ(next_event(epoll, 0, NULL), 2);                          // the reader's
    sys(read, ends[0], page, 4095);
    EQ(next_event(epoll, 0, NULL), -1);                         // no page is free yet
    sys(read, ends[0], page, 1);
    EQ(next_event(epoll, 0, NULL), 3);
    sys(read, ends[0], page, 4096);
    EQ(next_event(epoll, 0, NULL), -1);

    // the other end goes: both sides hear of it once
    int twin = sys(dup, ends[0]);
    sys(close, ends[1]);
    EQ(next_event(epoll, 0, &got), 2);
    EQ(got, EPOLLIN | EPOLLHUP);
    EQ(next_event(epoll, 0, NULL), -1);
    sys(close, ends[0]), sys(close, twin);

    // one shot
    make_pipe(ends, NONBLOCK);
    EQ(watch(epoll, EPOLL_CTL_ADD, ends[0], EPOLLIN | EPOLLONESHOT, 5), 0);
    sys(write, ends[1], "x", 1);
    EQ(next_event(epoll, 0, NULL), 5);
    EQ(next_event(epoll, 0, NULL), -1);
    sys(write, ends[1], "x", 1);
    EQ(next_event(epoll, 0, NULL), -1);
    EQ(watch(epoll, EPOLL_CTL_ADD, ends[0], EPOLLIN, 6), -EEXIST);
    EQ(watch(epoll, EPOLL_CTL_MOD, ends[0], EPOLLIN | EPOLLONESHOT, 6), 0);
    EQ(next_event(epoll, 0, NULL), 6);
    sys(close, ends[1]);
    EQ(next_event(epoll, 0, NULL), -1);                         // not even EPOLLHUP
    EQ(watch(epoll, EPOLL_CTL_MOD, ends[0], EPOLLONESHOT, 7), 0);
    EQ(next_event(epoll, 0, &got), 7);
    EQ(got, EPOLLHUP);

    // EPOLLWAKEUP and unknown bits are no events
    make_pipe(ends, NONBLOCK);
    EQ(watch(epoll, EPOLL_CTL_ADD, ends[0], EPOLLIN | EPOLLWAKEUP | 1 << 20, 8), 0);
    sys(write, ends[1], "x", 1);
    EQ(next_event(epoll, 0, &got), 8);
    EQ(got, EPOLLIN);
    return 0;
}
