// The urgent byte of an AF_UNIX stream (MSG_OOB in send(2), unix(7)), SO_OOBINLINE, SIOCATMARK.
#include "raw_net.h"

static int at_mark(int fd)
{
    int n = -1;
    check(246, __LINE__, sys(ioctl, fd, SIOCATMARK, &n) == 0, "SIOCATMARK");
    return n;
}

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    int s[2];
    char back[64];
    pair(s, STREAM | SOCK_NONBLOCK);
    EQ(recv(s[1], back, 1, MSG_OOB), -EINVAL);
    EQ(send(s[0], "", 0, MSG_OOB), -EOPNOTSUPP);
    EQ(send(s[0], "abX", 3, MSG_OOB), 3);                       // the last byte is urgent
    EQ(poll_one(s[1], ALL_POLL, 0), POLLIN | POLLRDNORM | POLLPRI | POLLOUT | POLLWRNORM);
    EQ(send(s[0], "cd", 2, 0), 2);
    EQ(at_mark(s[1]), 0);
    EQ(recv(s[1], back, 64, 0), 2);                             // up to the mark
    EQ(at_mark(s[1]), 1);
    EQ(recv(s[1], back, 1, MSG_OOB | MSG_PEEK), 1);
    EQ(back[0], 'X');
    EQ(recv(s[1], back, 1, MSG_OOB), 1);
    EQ(recv(s[1], back, 1, MSG_OOB), -EINVAL);
    EQ(recv(s[1], back, 64, 0), 2);
    EQ(memcmp(back, "cd", 2), 0);
    EQ(send(s[0], "abX", 3, MSG_OOB), 3);
    EQ(recv(s[1], back, 1, MSG_OOB), 1);                        // before what is in front of it
    EQ(recv(s[1], back, 64, 0), 2);
    EQ(send(s[0], "X", 1, MSG_OOB), 1);
    EQ(send(s[0], "cd", 2, 0), 2);
    EQ(recv(s[1], back, 64, 0), 2);                             // who does not ask for it loses it
    EQ(memcmp(back, "cd", 2), 0);
    EQ(recv(s[1], back, 1, MSG_OOB), -EINVAL);
    EQ(set_int(s[1], SOL_SOCKET, SO_OOBINLINE, 1), 0);
    EQ(send(s[0], "abX", 3, MSG_OOB), 3);
    EQ(send(s[0], "cd", 2, 0), 2);
    EQ(recv(s[1], back, 1, MSG_OOB), -EINVAL);
    EQ(recv(s[1], back, 64, 0), 2);
    EQ(at_mark(s[1]), 1);
    EQ(recv(s[1], back, 64, 0), 3);
    EQ(memcmp(back, "Xcd", 3), 0);
    return 0;
}
