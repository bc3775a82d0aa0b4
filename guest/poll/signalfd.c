// signalfd(2): blocked signals are read, one after the other, with who sent them; poll and epoll; another set for the
// same file; a child reads its own.
#include "raw_poll.h"

#include <linux/signalfd.h>

#define BIT(signo) (1UL << ((signo) - 1))

static volatile int count;

static void on_signal(int signo, siginfo_t *info, struct raw_ucontext *context)
{
    (void)signo, (void)info, (void)context;
    count++;
}

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    unsigned long set = BIT(SIGUSR1) | BIT(SIGUSR2) | BIT(SIGCHLD) | BIT(40) | BIT(SIGKILL), none = 0;
    struct signalfd_siginfo info[4];
    EQ(sizeof *info, 128);
    EQ(sys(signalfd4, -1, BAD_POINTER, 7, 99), -EINVAL);
    EQ(sys(signalfd4, -1, BAD_POINTER, 8, 99), -EFAULT);
    EQ(sys(signalfd4, -1, &set, 8, 99), -EINVAL);
    EQ(sys(signalfd4, 99, &set, 8, 0), -EBADF);
    EQ(sys(signalfd4, 0, &set, 8, 0), -EINVAL);
    int fd = sys(signalfd4, -1, &set, 8, NONBLOCK);
    CHECK(fd >= 0);
    EQ(sys(fcntl, fd, F_GETFL), O_RDWR | NONBLOCK);
    sys(rt_sigprocmask, SIG_BLOCK, &set, NULL, 8);
    EQ(poll_one(fd, ALL_POLL, 0), 0);
    EQ(sys(read, fd, info, 127), -EINVAL);
    EQ(sys(read, fd, info, 128), -EAGAIN);
    EQ(sys(read, fd, NULL, 128), -EAGAIN);
    EQ(sys(write, fd, info, 128), -EINVAL);

    sys(kill, self(), SIGUSR2);
    sys(kill, self(), SIGUSR1);
    sys(kill, self(), SIGUSR1);                                 // pends once
    EQ(poll_one(fd, ALL_POLL, 0), POLLIN);
    EQ(sys(read, fd, info, 4 * 128 - 1), 2 * 128);
    EQ(info[0].ssi_signo, SIGUSR1);
    EQ(info[0].ssi_code, SI_USER);
    EQ(info[0].ssi_pid, self());
    EQ(info[1].ssi_signo, SIGUSR2);
    EQ(poll_one(fd, ALL_POLL, 0), 0);
    siginfo_t sent;
    memset(&sent, 0, sizeof sent);
    for (int i = 0; i < 3; i++) {
        sent.si_code = SI_QUEUE, sent.si_int = 100 + i, sent.si_pid = 5, sent.si_uid = 6;
        EQ(sys(rt_sigqueueinfo, self(), 40, &sent), 0);
    }
    EQ(sys(read, fd, info, 2 * 128), 2 * 128);
    EQ(info[1].ssi_signo, 40);
    EQ(info[1].ssi_code, SI_QUEUE);
    EQ(info[1].ssi_int, 101);
    EQ(info[1].ssi_pid, 5);
    EQ(info[1].ssi_uid, 6);
    EQ(sys(read, fd, BAD_POINTER, 128), -EFAULT);               // taken, and lost
    EQ(sys(read, fd, info, 128), -EAGAIN);
    sys(tkill, self(), SIGUSR1);
    EQ(sys(read, fd, info, 128), 128);
    EQ(info[0].ssi_code, SI_TKILL);

    // another set: what is not in it stays pending
    set = BIT(SIGUSR1);
    EQ(sys(signalfd4, fd, &set, 8, 0), fd);
    sys(kill, self(), SIGUSR2);
    EQ(sys(read, fd, info, 128), -EAGAIN);
    set |= BIT(SIGUSR2) | BIT(SIGCHLD);
    EQ(sys(signalfd, fd, &set, 8), fd);
    EQ(sys(read, fd, info, 128), 128);
    EQ(info[0].ssi_signo, SIGUSR2);

    // sleeping: in read, in poll, in epoll; a child's end
    EQ(sys(fcntl, fd, F_SETFL, 0), 0);
    int epoll = sys(epoll_create1, 0);
    EQ(watch(epoll, EPOLL_CTL_ADD, fd, EPOLLIN, 9), 0);
    for (int how = 0; how < 3; how++) {
        long child = sys(fork);
        if (child == 0) {
            nap(10);
            quit(how + 3);
        }
        if (how == 1)
            EQ(poll_one(fd, POLLIN, -1), POLLIN);
        if (how == 2)
            EQ(next_event(epoll, -1, NULL), 9);
        EQ(sys(read, fd, info, 128), 128);
        EQ(info[0].ssi_signo, SIGCHLD);
        EQ(info[0].ssi_code, CLD_EXITED);
        EQ(info[0].ssi_pid, child);
        EQ(info[0].ssi_status, how + 3);
        EQ(wait_status(child), EXITED(how + 3));
    }

    // another signal with a handler ends the sleep
    raw_handle(SIGHUP, on_signal, 0);
    long child = sys(fork);
    if (child == 0) {
        nap(10);
        sys(kill, parent(), SIGHUP);
        nap(20);
        quit(0);
    }
    EQ(sys(read, fd, info, 128), -EINTR);
    EQ(count, 1);
    EQ(wait_status(child), EXITED(0));
    EQ(sys(read, fd, info, 128), 128);

    // who reads gets his own signals
    sys(kill, self(), SIGUSR1);
    child = sys(fork);
    if (child == 0) {
        sys(fcntl, fd, F_SETFL, NONBLOCK);
        if (sys(read, fd, info, 128) != -EAGAIN || poll_one(fd, POLLIN, 0) != 0)
            quit(1);
        sys(kill, self(), SIGUSR2);
        quit(sys(read, fd, info, 128) == 128 && info[0].ssi_signo == SIGUSR2 ? 0 : 2);
    }
    EQ(wait_status(child), EXITED(0));
    EQ(sys(read, fd, info, 128), 128);
    EQ(info[0].ssi_signo, SIGUSR1);

    // what is read has no handler
    raw_handle(SIGUSR1, on_signal, 0);
    EQ(sys(read, fd, info, 128), 128);
    EQ(info[0].ssi_signo, SIGCHLD);
    sys(kill, self(), SIGUSR1);
    EQ(sys(read, fd, info, 128), 128);
    sys(rt_sigprocmask, SIG_SETMASK, &none, NULL, 8);
    EQ(count, 1);
    return 0;
}
