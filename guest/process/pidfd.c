// pidfd_open(2), pidfd_send_signal(2), pidfd_getfd(2), clone with CLONE_PIDFD, waitid with P_PIDFD: a process by
// descriptor, also when it has ended, and the errors.
#include "raw_process.h"

#include <linux/poll.h>

#define NONBLOCK 0x800

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    siginfo_t info;
    EQ(sys(pidfd_open, -1, 0), -EINVAL);
    EQ(sys(pidfd_open, 0, 0), -EINVAL);
    EQ(sys(pidfd_open, self(), 1), -EINVAL);
    EQ(sys(pidfd_open, 0x3ffffff, 0), -ESRCH);
    long child = sys(fork);
    if (child == 0)
        for (;;)
            sys(pause);
    int fd = sys(pidfd_open, child, 0), quick = sys(pidfd_open, child, NONBLOCK);
    CHECK(fd >= 0 && quick >= 0);
    EQ(sys(fcntl, fd, F_GETFD), 1);
    EQ(sys(pidfd_send_signal, fd, 0, NULL, 0), 0);
    EQ(sys(pidfd_send_signal, fd, 65, NULL, 0), -EINVAL);
    EQ(sys(pidfd_send_signal, 0, 0, NULL, 0), -EBADF);
    EQ(sys(pidfd_send_signal, 99, 0, NULL, 0), -EBADF);
    EQ(sys(waitid, P_PIDFD, quick, &info, WEXITED, NULL), -EAGAIN);
    EQ(sys(waitid, P_PIDFD, fd, &info, WEXITED | WNOHANG, NULL), 0);
    EQ(sys(waitid, P_PIDFD, 99, &info, WEXITED, NULL), -EBADF);
    EQ(sys(waitid, P_PIDFD, -1, &info, WEXITED, NULL), -EINVAL);
    EQ(sys(waitid, P_PIDFD, 0, &info, WEXITED, NULL), -EBADF);
    memset(&info, 0, sizeof info);
    info.si_signo = SIGUSR2, info.si_code = SI_QUEUE;
    EQ(sys(pidfd_send_signal, fd, SIGUSR1, &info, 0), -EINVAL);
    EQ(sys(pidfd_send_signal, fd, SIGUSR2, &info, 0), 0);
    EQ(sys(waitid, P_PIDFD, fd, &info, WEXITED | WNOWAIT, NULL), 0);
    EQ(info.si_pid, child);
    EQ(info.si_status, SIGUSR2);
    EQ(sys(pidfd_send_signal, fd, SIGTERM, NULL, 0), 0);        // a zombie
    EQ(sys(waitid, P_PIDFD, quick, &info, WEXITED, NULL), 0);
    EQ(sys(waitid, P_PIDFD, fd, &info, WEXITED, NULL), -ECHILD);
    EQ(sys(pidfd_send_signal, fd, 0, NULL, 0), -ESRCH);
    EQ(sys(pidfd_getfd, fd, 0, 0), -ESRCH);
    sys(close, fd);
    sys(close, quick);

    // clone gives one
    int made = -1, pipe[2];
    EQ(sys(pipe, pipe), 0);
    child = sys(clone, CLONE_PIDFD | SIGCHLD, 0, &made, 0, 0);
    if (child == 0) {
        char byte;
        sys(close, pipe[1]);
        sys(read, pipe[0], &byte, 1);
        quit(byte);
    }
    CHECK(made > pipe[1]);
    EQ(sys(fcntl, made, F_GETFD), 1);
    int theirs = sys(pidfd_getfd, made, pipe[0], 0);
    CHECK(theirs > made);
    EQ(sys(fcntl, theirs, F_GETFD), 1);
    EQ(sys(pidfd_getfd, made, 99, 0), -EBADF);
    EQ(sys(pidfd_getfd, made, 0, 1), -EINVAL);
    EQ(sys(write, pipe[1], "\7", 1), 1);
    EQ(sys(waitid, P_PIDFD, made, &info, WEXITED, NULL), 0);
    EQ(info.si_status, 7);
    EQ(sys(clone, CLONE_PIDFD | CLONE_PARENT_SETTID | SIGCHLD, 0, &made, 0, 0), -EINVAL);
    return 0;
}
