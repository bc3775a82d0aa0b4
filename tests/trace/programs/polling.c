/* Every call that waits for files: poll sets, fd_sets and events, what is ready, and the time that is left.
   The trace of this program under the host's strace is what pyuk's tracer must say (strace(1)). */
#include "calls.h"
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>

static int ends[2];
static struct timespec second = {1, 0}, moment = {0, 1000000}, none = {0, 0}, wrong = {0, -1};

static void on_signal(int signo)
{
    call(SYS_getpgid, 99999999);
}

static void polls(void)
{
    struct pollfd set[3] = {{ends[0], POLLIN, 0}, {ends[1], POLLOUT, 0}, {-1, POLLIN, 0}}, many[400];
    long usr1 = 1 << (SIGUSR1 - 1);
    call(SYS_poll, set, 3, -1);
    call(SYS_poll, set, 3, 0);
    call(SYS_poll, set, 0, 0);
    call(SYS_poll, NULL, 0, 1);
    call(SYS_poll, NULL, 1, 0);
    call(SYS_poll, BAD, 2, 0);
    call(SYS_poll, set, -1, 0);
    for (int i = 0; i < 400; i++)
        many[i] = (struct pollfd){i % 3 ? ends[1] : 1000 + i, i % 7 ? POLLOUT | POLLWRNORM | i << 10 : 0, 0};
    call(SYS_poll, many, 31, 0);
    call(SYS_poll, many, 32, 0);
    call(SYS_poll, many, 33, 0);
    call(SYS_poll, many, 400, 0);
    for (int i = 0; i < 40; i++)
        many[i] = (struct pollfd){ends[1], POLLOUT, 0};
    call(SYS_poll, many, 40, 0);
    call(SYS_ppoll, many, 40, &second, NULL, 0);
    set[0] = (struct pollfd){99, POLLIN | 0x4000, 0};
    call(SYS_poll, set, 1, 1000);
    set[0].events = 0x4000;
    call(SYS_poll, set, 1, 1000);
    set[0] = (struct pollfd){ends[0], POLLPRI, 0};
    call(SYS_poll, set, 1, 1);
    call(SYS_ppoll, set, 2, NULL, NULL, 0);
    call(SYS_ppoll, set, 1, &moment, &usr1, 8);
    call(SYS_ppoll, set, 2, &none, &usr1, 8);
    call(SYS_ppoll, set, 2, &second, NULL, 0);
    call(SYS_ppoll, set, 2, &wrong, &usr1, 8);
    call(SYS_ppoll, set, 2, BAD, &usr1, 8);
    call(SYS_ppoll, set, 2, NULL, &usr1, 16);
    call(SYS_ppoll, set, 2, NULL, BAD, 8);
    call(SYS_ppoll, BAD, 2, NULL, NULL, 0);
}

static void selects(void)
{
    fd_set in, out, other;
    struct timeval time = {1, 0};
    long mask = 1 << (SIGUSR1 - 1) | 1L << 40;
    struct { void *mask; size_t size; } pack = {&mask, 8};
    FD_ZERO(&in);
    FD_ZERO(&out);
    FD_ZERO(&other);
    FD_SET(ends[0], &in), FD_SET(ends[1], &out), FD_SET(ends[0], &other);
    call(SYS_select, 5, &in, &out, &other, &time);
    FD_SET(ends[0], &in), FD_SET(ends[1], &in);
    call(SYS_select, 5, &in, &out, NULL, NULL);
    call(SYS_select, 0, NULL, NULL, NULL, &none);
    FD_ZERO(&in);
    call(SYS_select, 5, &in, &in, &in, &none);
    call(SYS_select, -1, &in, NULL, NULL, &none);
    FD_SET(50, &in);
    call(SYS_select, 51, &in, NULL, NULL, &none);
    call(SYS_select, 51, BAD, NULL, NULL, &none);
    call(SYS_select, 5, NULL, &out, NULL, BAD);
    call(SYS_select, 0, NULL, NULL, NULL, &wrong);
    for (int fd = 200; fd < 340; fd++) {
        dup2(ends[1], fd);
        FD_SET(fd, &out);
    }
    call(SYS_select, 1024, NULL, &out, NULL, &time);
    for (int fd = 200; fd < 340; fd++)
        FD_SET(fd, &in), FD_SET(fd, &out);
    FD_CLR(50, &in);
    call(SYS_pselect6, 1024, &in, &out, NULL, &second, NULL);
    close_range(200, 340, 0);
    FD_ZERO(&out);
    FD_SET(ends[1], &out);
    FD_ZERO(&in);
    FD_SET(ends[0], &in);
    call(SYS_pselect6, 5, &in, &out, &other, &second, &pack);
    call(SYS_pselect6, 5, NULL, NULL, &other, &moment, &pack);
    pack.mask = NULL;
    call(SYS_pselect6, 5, NULL, &out, NULL, &none, &pack);
    pack.size = 4, pack.mask = &mask;
    call(SYS_pselect6, 5, NULL, &out, NULL, NULL, &pack);
    call(SYS_pselect6, 5, NULL, &out, NULL, NULL, BAD);
    call(SYS_pselect6, 5, NULL, &out, NULL, NULL, NULL);
}

static void epolls(void)
{
    struct epoll_event event = {EPOLLIN | EPOLLET, {.u64 = 0x1234567890}}, events[40];
    long usr1 = 1 << (SIGUSR1 - 1);
    int epoll = call(SYS_epoll_create, 1);
    call(SYS_epoll_create, 0);
    int other = call(SYS_epoll_create1, EPOLL_CLOEXEC);
    call(SYS_epoll_create1, 0);
    call(SYS_epoll_create1, 7);
    call(SYS_epoll_create1, EPOLL_CLOEXEC | 7);
    call(SYS_epoll_ctl, epoll, EPOLL_CTL_ADD, ends[0], &event);
    call(SYS_epoll_ctl, epoll, EPOLL_CTL_ADD, ends[0], &event);
    event.events = -1, event.data.u64 = -1;
    call(SYS_epoll_ctl, epoll, EPOLL_CTL_MOD, ends[0], &event);
    event.events = 0;
    call(SYS_epoll_ctl, epoll, EPOLL_CTL_MOD, ends[0], &event);
    event.events = 1 << 20;
    call(SYS_epoll_ctl, epoll, EPOLL_CTL_MOD, ends[0], &event);
    event.events = EPOLLOUT | EPOLLRDHUP | EPOLLPRI | EPOLLERR | EPOLLHUP | EPOLLONESHOT, event.data.u64 = 5;
    call(SYS_epoll_ctl, epoll, EPOLL_CTL_ADD, ends[1], &event);
    call(SYS_epoll_ctl, epoll, EPOLL_CTL_DEL, ends[0], &event);
    call(SYS_epoll_ctl, epoll, EPOLL_CTL_DEL, ends[0], NULL);
    call(SYS_epoll_ctl, epoll, 9, ends[0], &event);
    call(SYS_epoll_ctl, epoll, 9, ends[0], NULL);
    call(SYS_epoll_ctl, epoll, EPOLL_CTL_ADD, 77, &event);
    call(SYS_epoll_ctl, epoll, EPOLL_CTL_ADD, ends[0], BAD);
    call(SYS_epoll_wait, epoll, events, 40, 100);
    call(SYS_epoll_wait, other, events, 40, 0);
    call(SYS_epoll_wait, other, events, 0, 0);
    call(SYS_epoll_wait, other, BAD, 1, 0);
    call(SYS_epoll_wait, other, NULL, 1, 0);
    event.events = EPOLLIN;
    for (int fd = 100; fd < 140; fd++) {
        dup2(ends[0], fd);
        event.data.u64 = fd;
        call(SYS_epoll_ctl, other, EPOLL_CTL_ADD, fd, &event);
    }
    call(SYS_epoll_wait, other, events, 3, -1);
    call(SYS_epoll_wait, other, events, 32, -1);
    call(SYS_epoll_wait, other, events, 40, -1);
    call(SYS_epoll_wait, other, BAD, 1, 0);
    close_range(100, 140, 0);
    call(SYS_epoll_pwait, other, events, 8, 0, &usr1, 8);
    call(SYS_epoll_pwait, other, events, 8, 0, NULL, 8);
    call(SYS_epoll_pwait, other, events, 8, 0, &usr1, 4);
    call(SYS_epoll_pwait2, other, events, 8, &moment, &usr1, 8);
    call(SYS_epoll_pwait2, other, events, 8, &wrong, NULL, 0);
    call(SYS_epoll_pwait2, other, events, 8, BAD, NULL, 0);
    call(SYS_epoll_pwait2, epoll, events, 8, NULL, BAD, 8);
}

static void others(void)
{
    struct itimerspec hour = {{3600, 0}, {3600, 5}}, bad = {{0, 0}, {0, -1}};
    long set = 1 << (SIGUSR1 - 1);
    call(SYS_eventfd, 3);
    int fd = call(SYS_eventfd2, 3, EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE);
    call(SYS_eventfd2, -1, 0);
    call(SYS_eventfd2, 0, 0x1000);
    call(SYS_eventfd2, 0, EFD_CLOEXEC | 0x1000);
    call(SYS_read, fd, page, 8);
    fd = call(SYS_timerfd_create, CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    call(SYS_timerfd_create, CLOCK_REALTIME, 0);
    call(SYS_timerfd_create, 77, 0);
    call(SYS_timerfd_create, CLOCK_BOOTTIME, -1);
    call(SYS_timerfd_create, CLOCK_BOOTTIME, 64);
    call(SYS_timerfd_settime, fd, 0, &hour, NULL);
    call(SYS_timerfd_settime, fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &bad, page);
    call(SYS_timerfd_settime, fd, 8, &hour, page);
    call(SYS_timerfd_settime, fd, 0, &hour, page);
    call(SYS_timerfd_settime, fd, 0, NULL, NULL);
    call(SYS_timerfd_settime, fd, 0, BAD, BAD);
    call(SYS_timerfd_gettime, fd, page);
    call(SYS_timerfd_gettime, 0, page);
    call(SYS_timerfd_gettime, fd, NULL);
    call(SYS_signalfd, -1, &set, 8);
    fd = call(SYS_signalfd4, -1, &set, 8, SFD_CLOEXEC | SFD_NONBLOCK);
    call(SYS_signalfd4, fd, &set, 8, 0);
    call(SYS_signalfd4, -1, &set, 9, 0);
    call(SYS_signalfd4, -1, NULL, 8, 0);
    call(SYS_signalfd4, -1, &set, 8, 64);
    call(SYS_read, fd, page, 128);
    call(SYS_fcntl, ends[0], F_SETPIPE_SZ, 8192);
    call(SYS_fcntl, ends[0], F_GETPIPE_SZ);
    call(SYS_pipe2, page, O_DIRECT | O_NONBLOCK | O_CLOEXEC);
}

static void interrupted(void)
{
    struct itimerval soon = {{0, 0}, {0, 10000}};
    struct pollfd set[1] = {{ends[0], POLLPRI, 0}};
    struct epoll_event events[1];
    int epoll = call(SYS_epoll_create1, 0);
    fd_set in;
    signal(SIGALRM, on_signal);
    setitimer(ITIMER_REAL, &soon, NULL);
    call(SYS_poll, set, 1, 5000);
    setitimer(ITIMER_REAL, &soon, NULL);
    call(SYS_ppoll, set, 1, &second, NULL, 0);
    setitimer(ITIMER_REAL, &soon, NULL);
    FD_ZERO(&in);
    FD_SET(ends[0], &in);
    call(SYS_select, 5, NULL, NULL, &in, NULL);
    setitimer(ITIMER_REAL, &soon, NULL);
    call(SYS_epoll_wait, epoll, events, 1, -1);
}

int main(void)
{
    call(SYS_pipe, ends);
    call(SYS_write, ends[1], "x", 1);
    polls();
    selects();
    epolls();
    others();
    interrupted();
    return 0;
}
