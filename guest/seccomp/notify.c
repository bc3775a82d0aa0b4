// seccomp_unotify(2): a listener receives calls, answers them, lets them go on, gives descriptors; polls and ends.
#include "raw_poll.h"
#include "raw_seccomp.h"
#include <linux/ioctl.h>

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV 0x20
#endif
#ifndef SECCOMP_ADDFD_FLAG_SEND
#define SECCOMP_ADDFD_FLAG_SEND 2
#endif

static volatile int *page;

static void on_signal(int signo, siginfo_t *info, struct raw_ucontext *context)
{
    (void)signo, (void)info, (void)context;
    page[20]++;
}

static int target(void)
{
    page[1] = sys(getppid);
    page[2] = sys(getppid);
    page[3] = sys(getppid);
    page[4] = sys(dup, 0);                              // descriptors
    page[5] = sys(dup, 0);
    page[6] = sys(dup, 0);
    raw_handle(SIGUSR1, on_signal, 0);
    page[7] = sys(getppid);                             // interrupted by a handler
    raw_handle(SIGUSR1, on_signal, SA_RESTART);
    page[8] = sys(getppid);                             // made again
    page[9] = sys(getppid);                             // nobody listens any more
    return 66;
}

static struct seccomp_notif receive(int fd)
{
    struct seccomp_notif notif;
    memset(&notif, 0, sizeof notif);
    long got;
    while ((got = sys(ioctl, fd, SECCOMP_IOCTL_NOTIF_RECV, &notif)) == -EINTR)
        ;
    check(201, __LINE__, got == 0, "receive");
    return notif;
}

static long answer(int fd, unsigned long id, long value, int error, unsigned flags)
{
    struct seccomp_notif_resp response = {id, value, error, flags};
    return sys(ioctl, fd, SECCOMP_IOCTL_NOTIF_SEND, &response);
}

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    page = shared(PAGE);
    no_new_privs();
    // the filter comes to the child by inheritance; the parent makes neither of the calls
    long listener = FILTER(SECCOMP_FILTER_FLAG_NEW_LISTENER, LOAD(nr), IF_EQUAL(__NR_getppid, SECCOMP_RET_USER_NOTIF),
                           IF_EQUAL(__NR_dup, SECCOMP_RET_USER_NOTIF), RET(SECCOMP_RET_ALLOW));
    CHECK(listener >= 0);
    EQ(sys(fcntl, listener, F_GETFD), FD_CLOEXEC);
    EQ(FILTER(SECCOMP_FILTER_FLAG_NEW_LISTENER, RET(SECCOMP_RET_ALLOW)), -EBUSY);
    EQ(poll_one(listener, ALL_POLL, 0), 0);
    char byte;
    EQ(sys(read, listener, &byte, 1), -EINVAL);
    EQ(sys(ioctl, listener, 0x1234, 0), -EINVAL);

    long pid = sys(fork);
    if (pid == 0) {
        sys(close, listener);                                                   // or it would never end
        quit(target());
    }
    EQ(poll_one(listener, POLLIN, 5000), POLLIN);
    struct seccomp_notif notif;
    memset(&notif, 0, sizeof notif);
    notif.pid = 1;
    EQ(sys(ioctl, listener, SECCOMP_IOCTL_NOTIF_RECV, &notif), -EINVAL);        // it must be zero
    EQ(sys(ioctl, listener, SECCOMP_IOCTL_NOTIF_RECV, BAD_POINTER), -EFAULT);
    notif = receive(listener);
    EQ(notif.pid, pid);
    EQ(notif.flags, 0);
    EQ(notif.data.nr, __NR_getppid);
    EQ(notif.data.arch, AUDIT_ARCH_X86_64);
    EQ(poll_one(listener, ALL_POLL, 0), POLLOUT | POLLWRNORM);
    unsigned long id = notif.id;
    EQ(sys(ioctl, listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &id), 0);
    id++;
    EQ(sys(ioctl, listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &id), -ENOENT);
    EQ(answer(listener, id, 1, 0, 0), -ENOENT);
    EQ(answer(listener, notif.id, 1, 0, 2), -EINVAL);
    EQ(answer(listener, notif.id, 1, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE), -EINVAL);
    EQ(answer(listener, notif.id, 4242, 0, 0), 0);

    notif = receive(listener);                                                  // an error
    EQ(notif.id, id);
    EQ(page[1], 4242);
    EQ(answer(listener, notif.id, 0, -EXDEV, 0), 0);
    notif = receive(listener);                                                  // on with it
    EQ(page[2], -EXDEV);
    EQ(answer(listener, notif.id, 0, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE), 0);

    notif = receive(listener);
    EQ(page[3], self());
    EQ(notif.data.nr, __NR_dup);
    struct seccomp_notif_addfd add = {notif.id, 0, listener, 0, 0};
    add.newfd = 7;
    EQ(sys(ioctl, listener, SECCOMP_IOCTL_NOTIF_ADDFD, &add), -EINVAL);         // a number without SETFD
    add.newfd = 0, add.newfd_flags = O_APPEND;
    EQ(sys(ioctl, listener, SECCOMP_IOCTL_NOTIF_ADDFD, &add), -EINVAL);
    add.newfd_flags = 0, add.flags = 4;
    EQ(sys(ioctl, listener, SECCOMP_IOCTL_NOTIF_ADDFD, &add), -EINVAL);
    add.flags = 0, add.srcfd = 999;
    EQ(sys(ioctl, listener, SECCOMP_IOCTL_NOTIF_ADDFD, &add), -EBADF);
    add.srcfd = 0, add.id++;
    EQ(sys(ioctl, listener, SECCOMP_IOCTL_NOTIF_ADDFD, &add), -ENOENT);
    add.id--;
    long fd = sys(ioctl, listener, SECCOMP_IOCTL_NOTIF_ADDFD, &add);
    EQ(fd, listener);                                                           // the first free number there
    EQ(answer(listener, notif.id, fd, 0, 0), 0);
    notif = receive(listener);
    EQ(page[4], fd);
    add = (struct seccomp_notif_addfd){notif.id, SECCOMP_ADDFD_FLAG_SETFD, 0, 55, O_CLOEXEC};
    EQ(sys(ioctl, listener, SECCOMP_IOCTL_NOTIF_ADDFD, &add), 55);
    EQ(answer(listener, notif.id, 55, 0, 0), 0);
    notif = receive(listener);
    add = (struct seccomp_notif_addfd){notif.id, SECCOMP_ADDFD_FLAG_SEND, 0, 0, 0};
    fd = sys(ioctl, listener, SECCOMP_IOCTL_NOTIF_ADDFD, &add);
    CHECK(fd > 0);
    id = notif.id;
    notif = receive(listener);                                                  // a signal comes before the answer
    EQ(answer(listener, id, 1, 0, 0), -ENOENT);                                 // answered already, and gone
    EQ(page[6], fd);
    EQ(sys(kill, pid, SIGUSR1), 0);
    await(page + 20, 1);
    await(page + 7, -EINTR);
    EQ(sys(ioctl, listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &notif.id), -ENOENT);
    id = notif.id;
    notif = receive(listener);
    EQ(sys(kill, pid, SIGUSR1), 0);
    await(page + 20, 2);
    notif = receive(listener);                                                  // the call again, with another id
    CHECK(notif.id != id);
    EQ(answer(listener, notif.id, 5, 0, 0), 0);
    EQ(poll_one(listener, POLLIN, 5000), POLLIN);
    EQ(page[8], 5);
    EQ(sys(close, listener), 0);
    EQ(wait_status(pid), EXITED(66));
    EQ(page[9], -ENOSYS);
    return 0;
}
