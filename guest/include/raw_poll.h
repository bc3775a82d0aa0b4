// What guests that poll share: the kernel's structs and constants, short calls, and fd_sets.
#ifndef RAW_POLL_H
#define RAW_POLL_H

#include "raw_process.h"

#include <asm/poll.h>
#include <linux/eventpoll.h>

#define NONBLOCK O_NONBLOCK
#define EFD_SEMAPHORE 1
#define TFD_TIMER_ABSTIME 1
#define TFD_TIMER_CANCEL_ON_SET 2
#define ALL_POLL (POLLIN | POLLPRI | POLLOUT | POLLRDNORM | POLLWRNORM | POLLRDHUP)

// The events of one descriptor, after at most ms milliseconds
static inline long poll_one(int fd, int events, int ms)
{
    struct pollfd set = {fd, events, 0};
    long got = sys(poll, &set, 1, ms);
    return got < 0 ? got : set.revents;
}

static inline void make_pipe(int ends[2], int flags)
{
    check(251, __LINE__, sys(pipe2, ends, flags) == 0, "pipe2");
}

static inline long fill(int fd)
{
    static char block[4096];
    long total = 0, got;
    while ((got = sys(write, fd, block, sizeof block)) > 0)
        total += got;
    return total;
}

static inline int watch(int epoll, int op, int fd, unsigned events, unsigned long data)
{
    struct epoll_event event = {events, data};
    return sys(epoll_ctl, epoll, op, fd, &event);
}

// One event of an epoll: its data, or -1 when there is none; its events in *events
static inline long next_event(int epoll, int ms, unsigned *events)
{
    struct epoll_event event = {0, 0};
    long got = sys(epoll_wait, epoll, &event, 1, ms);
    if (got < 0)
        return got - 1000;
    if (events)
        *events = event.events;
    return got ? (long)event.data : -1;
}

typedef struct {
    unsigned long bits[16];
} bitset;

static inline void put_bit(bitset *set, int fd) { set->bits[fd / 64] |= 1UL << fd % 64; }
static inline int has_bit(const bitset *set, int fd) { return set->bits[fd / 64] >> fd % 64 & 1; }
static inline int is_empty(const bitset *set)
{
    for (int i = 0; i < 16; i++)
        if (set->bits[i])
            return 0;
    return 1;
}
static inline void clear(bitset *set) { memset(set, 0, sizeof *set); }

static inline long now_ms(void)
{
    struct __kernel_timespec time;
    sys(clock_gettime, CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000 + time.tv_nsec / MS;
}

#endif
