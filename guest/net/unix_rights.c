// Files and credentials in messages (unix(7), cmsg(3)): SCM_RIGHTS with streams and datagrams, MSG_CTRUNC, close on
// exec, cycles of sockets; SCM_CREDENTIALS, SO_PASSCRED and SO_PEERCRED.
#include "raw_net.h"

static char control[2048], data[64];
static struct iovec piece;
static struct msghdr message;

static void add(int level, int type, const void *what, size_t n)
{
    struct cmsghdr *c = (void *)(control + message.controllen);
    message.control = control;
    c->len = CMSG_LEN(n), c->level = level, c->type = type;
    memcpy(CMSG_DATA(c), what, n);
    message.controllen += CMSG_SPACE(n);
}

static void clear_message(const char *text, size_t n)
{
    memset(&message, 0, sizeof message);
    memset(control, 0, sizeof control);
    memcpy(data, text, n);
    piece.base = data, piece.len = n;
    message.iov = &piece, message.iovlen = 1;
}

static long send_fds(int fd, const char *text, const int *fds, int n)
{
    clear_message(text, strlen(text));
    add(SOL_SOCKET, SCM_RIGHTS, fds, n * sizeof *fds);
    return sys(sendmsg, fd, &message, 0);
}

static long take(int fd, size_t room, int flags)
{
    clear_message("", 0);
    piece.len = sizeof data;
    message.control = room ? control : NULL;
    message.controllen = room;
    return sys(recvmsg, fd, &message, flags);
}

static int *fds(void) { return CMSG_DATA((struct cmsghdr *)control); }
static struct cmsghdr *first(void) { return (void *)control; }
static int is_open(int fd) { return sys(fcntl, fd, F_GETFD) >= 0; }

static int n_open(void)
{
    int n = 0;
    for (int fd = 0; fd < 1024; fd++)
        n += is_open(fd);
    return n;
}

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    int s[2], p[2], d[2], start = n_open();
    char back[64];
    pair(s, STREAM);
    make_pipe(p, 0);

    EQ(send_fds(s[0], "ab", (int[]){p[0], p[1]}, 2), 2);
    EQ(sys(write, s[0], "cd", 2), 2);
    sys(close, p[0]);
    EQ(take(s[1], 64, 0), 2);                                   // bytes with files are not glued to others
    EQ(message.controllen, CMSG_SPACE(8));
    EQ(first()->len, CMSG_LEN(8));
    EQ(first()->level, SOL_SOCKET);
    EQ(first()->type, SCM_RIGHTS);
    EQ(message.flags, 0);
    EQ(sys(write, fds()[1], "pipe", 4), 4);
    EQ(sys(read, fds()[0], back, 64), 4);
    EQ(sys(fcntl, fds()[0], F_GETFD), 0);
    sys(close, fds()[0]);
    sys(close, fds()[1]);
    EQ(sys(read, s[1], back, 64), 2);

    // they come with the first byte, and a read(2) loses them
    EQ(send_fds(s[0], "ab", &p[1], 1), 2);
    EQ(sys(read, s[1], back, 1), 1);
    EQ(take(s[1], 64, 0), 1);
    EQ(message.controllen, 0);
    EQ(sys(write, s[0], "x", 1), 1);
    EQ(send_fds(s[0], "yz", &p[1], 1), 2);
    EQ(sys(write, s[0], "w", 1), 1);
    EQ(take(s[1], 64, 0), 3);                                   // bytes before are glued, bytes behind not
    EQ(message.controllen, CMSG_SPACE(4));
    sys(close, fds()[0]);
    EQ(take(s[1], 64, 0), 1);

    // peeking gives them too; close on exec
    EQ(send_fds(s[0], "ab", &p[1], 1), 2);
    EQ(take(s[1], 64, MSG_PEEK | MSG_CMSG_CLOEXEC), 2);
    EQ(message.flags, MSG_CMSG_CLOEXEC);
    EQ(sys(fcntl, fds()[0], F_GETFD), 1);
    sys(close, fds()[0]);
    EQ(take(s[1], 64, 0), 2);
    EQ(message.controllen, CMSG_SPACE(4));
    EQ(sys(fcntl, fds()[0], F_GETFD), 0);
    sys(close, fds()[0]);

    // too little room: the others are closed
    EQ(send_fds(s[0], "ab", (int[]){p[1], p[1], p[1]}, 3), 2);
    EQ(take(s[1], CMSG_LEN(8), 0), 2);
    EQ(message.flags, MSG_CTRUNC);
    EQ(first()->len, CMSG_LEN(8));
    EQ(message.controllen, CMSG_LEN(8));
    sys(close, fds()[0]);
    sys(close, fds()[1]);
    EQ(send_fds(s[0], "ab", &p[1], 1), 2);
    EQ(take(s[1], 0, 0), 2);
    EQ(message.flags, MSG_CTRUNC);
    EQ(send_fds(s[0], "ab", &p[1], 1), 2);
    EQ(take(s[1], 18, 0), 2);
    EQ(message.flags, MSG_CTRUNC);
    EQ(message.controllen, 0);

    // refusals
    EQ(send_fds(s[0], "ab", (int[]){p[1], 99}, 2), -EBADF);
    EQ(send_fds(s[0], "ab", (int[]){-1}, 1), -EBADF);
    int many[254];
    for (int i = 0; i < 254; i++)
        many[i] = p[1];
    EQ(send_fds(s[0], "ab", many, 254), -EINVAL);
    clear_message("ab", 2);
    add(SOL_SOCKET, 77, many, 4);
    EQ(sys(sendmsg, s[0], &message, 0), -EINVAL);
    clear_message("ab", 2);
    add(SOL_TCP, 77, many, 4);                                  // not for this family: passed over
    EQ(sys(sendmsg, s[0], &message, 0), 2);
    message.controllen = 17;
    first()->len = 18;
    EQ(sys(sendmsg, s[0], &message, 0), -EINVAL);
    first()->len = 15;
    EQ(sys(sendmsg, s[0], &message, 0), -EINVAL);
    message.controllen = 15;
    EQ(sys(sendmsg, s[0], &message, 0), 2);
    message.control = BAD_POINTER, message.controllen = 64;
    EQ(sys(sendmsg, s[0], &message, 0), -EFAULT);
    EQ(sys(read, s[1], back, 64), 4);
    EQ(send_fds(s[0], "", &p[1], 1), 0);                        // without a byte nothing is sent
    EQ(take(s[1], 64, MSG_DONTWAIT), -EAGAIN);
    EQ(send_fds(s[0], "ab", many, 0), 2);
    EQ(take(s[1], 64, 0), 2);
    EQ(message.controllen, 0);

    // two cmsgs become one
    clear_message("ab", 2);
    add(SOL_SOCKET, SCM_RIGHTS, &p[1], 4);
    add(SOL_SOCKET, SCM_RIGHTS, &s[0], 4);
    EQ(sys(sendmsg, s[0], &message, 0), 2);
    EQ(take(s[1], 64, 0), 2);
    EQ(first()->len, CMSG_LEN(8));
    sys(close, fds()[0]);
    sys(close, fds()[1]);

    // datagrams: an empty one carries files
    pair(d, DGRAM);
    EQ(send_fds(d[0], "", &p[1], 1), 0);
    EQ(take(d[1], 64, 0), 0);
    EQ(message.controllen, CMSG_SPACE(4));
    sys(close, fds()[0]);

    // files on their way live without their sender, and a cycle of sockets ends
    EQ(send_fds(d[0], "x", &p[1], 1), 1);
    sys(close, p[1]);
    sys(close, d[0]);
    EQ(take(d[1], 64, 0), 1);
    EQ(sys(write, fds()[0], "", 0), 0);
    sys(close, fds()[0]);
    sys(close, d[1]);
    make_pipe(p, O_NONBLOCK);
    pair(d, DGRAM);
    EQ(send_fds(d[0], "x", (int[]){d[1], p[1]}, 2), 1);         // into itself
    EQ(send_fds(d[1], "x", (int[]){d[0]}, 1), 1);
    sys(close, p[1]);
    EQ(sys(read, p[0], back, 1), -EAGAIN);
    sys(close, d[0]);
    sys(close, d[1]);
    for (int i = 0; i < 100 && sys(read, p[0], back, 1) == -EAGAIN; i++) {
        nap(10);
        sys(close, new_socket(AF_UNIX, STREAM));                // when a socket is closed Linux looks for such, soon
    }
    EQ(sys(read, p[0], back, 1), 0);
    sys(close, p[0]);

    // who sends
    struct ucred self = {sys(getpid), sys(getuid), sys(getgid)}, told;
    EQ(get_int(s[1], SOL_SOCKET, SO_PASSCRED), 0);
    EQ(sys(write, s[0], "a", 1), 1);
    EQ(set_int(s[1], SOL_SOCKET, SO_PASSCRED, 1), 0);
    EQ(get_int(s[1], SOL_SOCKET, SO_PASSCRED), 1);
    EQ(sys(write, s[0], "b", 1), 1);
    EQ(sys(write, s[0], "c", 1), 1);
    EQ(take(s[1], 64, 0), 1);                                   // sent before anybody asked: nobody's
    EQ(message.controllen, CMSG_SPACE(12));
    memcpy(&told, CMSG_DATA(first()), sizeof told);
    EQ(told.pid, 0);
    EQ(told.uid, 65534);
    EQ(take(s[1], 64, 0), 2);
    memcpy(&told, CMSG_DATA(first()), sizeof told);
    EQ(memcmp(&told, &self, sizeof told), 0);
    EQ(first()->type, SCM_CREDENTIALS);
    EQ(sys(write, s[0], "d", 1), 1);
    EQ(take(s[1], 0, 0), 1);
    EQ(message.flags, MSG_CTRUNC);
    EQ(sys(write, s[0], "d", 1), 1);
    long pid = sys(fork);
    if (pid == 0) {
        sys(write, s[0], "e", 1);
        quit(0);
    }
    wait_status(pid);
    EQ(take(s[1], 64, 0), 1);                                   // of another process: not glued
    EQ(take(s[1], 64, 0), 1);
    memcpy(&told, CMSG_DATA(first()), sizeof told);
    EQ(told.pid, pid);
    make_pipe(p, 0);
    clear_message("f", 1);
    add(SOL_SOCKET, SCM_RIGHTS, &p[1], 4);
    add(SOL_SOCKET, SCM_CREDENTIALS, &self, sizeof self);
    EQ(sys(sendmsg, s[0], &message, 0), 1);
    EQ(take(s[1], 128, 0), 1);
    EQ(message.controllen, CMSG_SPACE(12) + CMSG_SPACE(4));
    EQ(first()->type, SCM_CREDENTIALS);                         // they come first
    struct cmsghdr *second = (void *)(control + CMSG_SPACE(12));
    EQ(second->type, SCM_RIGHTS);
    sys(close, *(int *)CMSG_DATA(second));
    clear_message("f", 1);
    add(SOL_SOCKET, SCM_CREDENTIALS, &self, 11);
    EQ(sys(sendmsg, s[0], &message, 0), -EINVAL);
    clear_message("f", 1);
    told = self, told.uid = -1;
    add(SOL_SOCKET, SCM_CREDENTIALS, &told, 12);
    EQ(sys(sendmsg, s[0], &message, 0), -EINVAL);
    if (self.uid) {
        clear_message("f", 1);
        told = self, told.uid = 0;
        add(SOL_SOCKET, SCM_CREDENTIALS, &told, 12);
        EQ(sys(sendmsg, s[0], &message, 0), -EPERM);
        clear_message("f", 1);
        told = self, told.pid = 1;
        add(SOL_SOCKET, SCM_CREDENTIALS, &told, 12);
        EQ(sys(sendmsg, s[0], &message, 0), -EPERM);
    }

    // who has connected
    int n = sizeof told;
    EQ(sys(getsockopt, s[0], SOL_SOCKET, SO_PEERCRED, &told, &n), 0);
    EQ(n, 12);
    EQ(told.pid, self.pid);
    int l = new_socket(AF_UNIX, STREAM), c = new_socket(AF_UNIX, STREAM);
    EQ(sys(getsockopt, c, SOL_SOCKET, SO_PEERCRED, &told, &n), 0);
    EQ(told.pid, 0);
    EQ(told.uid, (unsigned)-1);
    EQ(bind_unix(l, "l"), 0);
    EQ(sys(listen, l, 1), 0);
    EQ(set_int(l, SOL_SOCKET, SO_PASSCRED, 1), 0);
    pid = sys(fork);
    if (pid == 0) {
        connect_unix(c, "l");
        sys(getsockopt, c, SOL_SOCKET, SO_PEERCRED, &told, &n);
        sys(write, c, "x", 1);
        quit(told.pid != self.pid);
    }
    EQ(wait_status(pid), 0);
    int a = sys(accept, l, NULL, NULL);
    EQ(sys(getsockopt, a, SOL_SOCKET, SO_PEERCRED, &told, &n), 0);
    EQ(told.pid, pid);
    EQ(get_int(a, SOL_SOCKET, SO_PASSCRED), 1);
    EQ(take(a, 64, 0), 1);
    memcpy(&told, CMSG_DATA(first()), sizeof told);
    EQ(told.pid, pid);
    n = 8;
    EQ(sys(getsockopt, a, SOL_SOCKET, SO_PEERCRED, &told, &n), 0);
    EQ(n, 8);
    sys(close, a), sys(close, l), sys(close, c), sys(close, p[0]), sys(close, p[1]);
    sys(close, s[0]), sys(close, s[1]);
    EQ(n_open(), start);
    return 0;
}
