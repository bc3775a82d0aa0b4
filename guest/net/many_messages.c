// sendmmsg(2) and recvmmsg(2): how many, how long each, time-outs, MSG_WAITFORONE, an error behind the first message.
#include "raw_net.h"

static char blocks[8][32];
static struct iovec pieces[8];
static struct mmsghdr messages[8];

static void prepare(size_t n)
{
    memset(messages, 0, sizeof messages);
    for (int i = 0; i < 8; i++) {
        pieces[i] = (struct iovec){blocks[i], n};
        messages[i].hdr.iov = &pieces[i], messages[i].hdr.iovlen = 1, messages[i].len = 99;
    }
}

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    int s[2];
    ignore(SIGPIPE);
    pair(s, DGRAM);
    prepare(3);
    memcpy(blocks[0], "one", 3), memcpy(blocks[1], "two", 3), memcpy(blocks[2], "six", 3);
    EQ(sys(sendmmsg, s[0], messages, 3, 0), 3);
    EQ(messages[0].len, 3);
    EQ(messages[2].len, 3);
    EQ(messages[3].len, 99);
    EQ(sys(sendmmsg, s[0], messages, 0, 0), 0);
    EQ(sys(sendmmsg, -1, messages, 1, 0), -EBADF);
    EQ(sys(sendmmsg, 0, messages, 1, 0), -ENOTSOCK);
    EQ(sys(sendmmsg, s[0], BAD_POINTER, 1, 0), -EFAULT);
    EQ(sys(sendmmsg, s[0], messages, 1, 0x80000000), -EINVAL);
    prepare(32);
    EQ(sys(recvmmsg, s[1], messages, 8, MSG_DONTWAIT, NULL), 3);
    EQ(messages[0].len, 3);
    EQ(messages[3].len, 99);
    EQ(memcmp(blocks[2], "six", 3), 0);
    EQ(sys(recvmmsg, s[1], messages, 8, MSG_DONTWAIT, NULL), -EAGAIN);
    EQ(sys(recvmmsg, s[1], messages, 0, MSG_DONTWAIT, NULL), 0);
    EQ(sys(recvmmsg, s[1], BAD_POINTER, 1, MSG_DONTWAIT, NULL), -EFAULT);
    EQ(sys(recvmmsg, s[1], messages, 1, MSG_DONTWAIT, BAD_POINTER), -EFAULT);
    struct __kernel_timespec time = {0, 1000000000};
    EQ(sys(recvmmsg, s[1], messages, 1, MSG_DONTWAIT, &time), -EINVAL);

    EQ(send(s[0], "only", 4, 0), 4);
    EQ(sys(recvmmsg, s[1], messages, 8, MSG_WAITFORONE, NULL), 1);
    EQ(messages[0].len, 4);

    // the time is looked at only when something has come
    time = (struct __kernel_timespec){5, 0};
    EQ(send(s[0], "timed", 5, 0), 5);
    EQ(sys(recvmmsg, s[1], messages, 1, 0, &time), 1);
    CHECK(time.tv_sec == 4 && time.tv_nsec > 0);
    time = (struct __kernel_timespec){0, 10000000};
    long pid = sys(fork);
    if (pid == 0) {
        nap(40);
        send(s[0], "a", 1, 0);
        send(s[0], "b", 1, 0);
        quit(0);
    }
    EQ(sys(recvmmsg, s[1], messages, 8, 0, &time), 1);
    EQ(time.tv_sec, 0);
    EQ(time.tv_nsec, 0);
    EQ(wait_status(pid), 0);
    EQ(sys(recvmmsg, s[1], messages, 8, MSG_DONTWAIT, NULL), 1);

    // it waits for all
    pid = sys(fork);
    if (pid == 0) {
        for (int i = 0; i < 4; i++) {
            nap(5);
            send(s[0], "abcd", i, 0);
        }
        quit(0);
    }
    EQ(sys(recvmmsg, s[1], messages, 4, 0, NULL), 4);
    for (int i = 0; i < 4; i++)
        EQ(messages[i].len, i);
    EQ(wait_status(pid), 0);

    // an error behind the first message is told by the next call
    EQ(send(s[0], "good", 4, 0), 4);
    EQ(send(s[0], "lost", 4, 0), 4);
    prepare(32);
    pieces[1].base = BAD_POINTER;
    EQ(sys(recvmmsg, s[1], messages, 8, MSG_DONTWAIT, NULL), 1);
    EQ(sys(recvmmsg, s[1], messages, 8, MSG_DONTWAIT, NULL), -EFAULT);
    EQ(sys(recvmmsg, s[1], messages, 8, MSG_DONTWAIT, NULL), -EAGAIN);
    prepare(3);
    pieces[1].base = BAD_POINTER;
    EQ(sys(sendmmsg, s[0], messages, 3, 0), 1);
    EQ(sys(sendmmsg, s[0], messages + 1, 2, 0), -EFAULT);
    sys(close, s[1]);
    prepare(3);
    EQ(sys(sendmmsg, s[0], messages, 3, 0), -ECONNREFUSED);
    return 0;
}
