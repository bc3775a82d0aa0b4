// pipe(7): F_GETPIPE_SZ, F_SETPIPE_SZ; small writes share a page and large ones begin new pages; FIONREAD; O_DIRECT
// makes each write a packet.
#include "raw_poll.h"

#define FIONREAD 0x541b

static char block[1 << 17], back[1 << 17];

static int unread(int fd)
{
    int n = -1;
    sys(ioctl, fd, FIONREAD, &n);
    return n;
}

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    int ends[2];
    for (unsigned i = 0; i < sizeof block; i++)
        block[i] = i * 7 + i / 4096;
    make_pipe(ends, NONBLOCK);
    EQ(sys(fcntl, ends[0], F_GETPIPE_SZ), 65536);
    EQ(unread(ends[0]), 0);
    EQ(sys(write, ends[1], block, sizeof block), 65536);
    EQ(unread(ends[1]), 65536);
    EQ(sys(write, ends[1], block, 1), -EAGAIN);
    EQ(sys(fcntl, ends[1], F_SETPIPE_SZ, 32768), -EBUSY);
    EQ(sys(fcntl, ends[1], F_SETPIPE_SZ, 65537), 131072);
    EQ(sys(write, ends[1], block + 65536, 65536), 65536);
    EQ(sys(read, ends[0], back, sizeof back), sizeof back);
    EQ(memcmp(block, back, sizeof back), 0);
    EQ(sys(fcntl, ends[0], F_SETPIPE_SZ, 1), 4096);
    EQ(sys(fcntl, ends[0], F_GETPIPE_SZ), 4096);
    int file = sys(open, "file", O_RDWR | O_CREAT, 0600);
    EQ(sys(fcntl, file, F_SETPIPE_SZ, 4096), -EBADF);
    EQ(sys(fcntl, file, F_GETPIPE_SZ), -EBADF);

    // one page: a write of at most PIPE_BUF goes in whole or not at all
    EQ(sys(write, ends[1], block, 4000), 4000);
    EQ(sys(write, ends[1], block, 97), -EAGAIN);
    EQ(sys(write, ends[1], block, 96), 96);
    EQ(sys(read, ends[0], back, 4000), 4000);
    EQ(sys(write, ends[1], block, 1), -EAGAIN);                 // the page is in use until all of it is read
    EQ(sys(read, ends[0], back, 4000), 96);
    EQ(sys(write, ends[1], block, 5000), 4096);
    EQ(sys(write, ends[1], block, 0), 0);
    EQ(sys(read, ends[0], back, 5000), 4096);

    // two pages: 10 + 4090 do not share one
    EQ(sys(fcntl, ends[0], F_SETPIPE_SZ, 8192), 8192);
    EQ(sys(write, ends[1], block, 10), 10);
    EQ(sys(write, ends[1], block, 4090), 4090);
    EQ(sys(write, ends[1], block, 7), -EAGAIN);
    EQ(sys(write, ends[1], block, 6), 6);
    EQ(unread(ends[0]), 4106);
    EQ(sys(read, ends[0], back, 8192), 4106);
    EQ(sys(write, ends[1], block, 100), 100);
    EQ(sys(write, ends[1], block, 4096 + 50), 4146);            // 50 to the 100, and a page
    EQ(sys(read, ends[0], back, 150), 150);
    EQ(memcmp(back + 100, block, 50), 0);
    EQ(sys(read, ends[0], back, 8192), 4096);
    EQ(memcmp(back, block + 50, 4096), 0);
    EQ(sys(read, ends[0], back, 0), 0);
    EQ(sys(read, ends[0], back, 1), -EAGAIN);
    EQ(sys(read, ends[0], BAD_POINTER, 1), -EAGAIN);
    sys(write, ends[1], "x", 1);
    EQ(sys(read, ends[0], BAD_POINTER, 1), -EFAULT);
    EQ(sys(read, ends[0], back, 9), 1);

    // packets
    make_pipe(ends, NONBLOCK | O_DIRECT);
    EQ(sys(fcntl, ends[0], F_GETFL), NONBLOCK);
    EQ(sys(fcntl, ends[1], F_GETFL), O_WRONLY | NONBLOCK | O_DIRECT);
    EQ(sys(write, ends[1], "abc", 3), 3);
    EQ(sys(write, ends[1], "defg", 4), 4);
    EQ(sys(write, ends[1], block, 5000), 5000);
    EQ(unread(ends[0]), 5007);
    EQ(sys(read, ends[0], back, 100), 3);
    EQ(sys(read, ends[0], back, 2), 2);                         // the rest of the packet is lost
    EQ(back[0], 'd');
    EQ(sys(read, ends[0], back, 8192), 4096);
    EQ(sys(read, ends[0], back, 8192), 904);
    for (int i = 0; i < 16; i++)
        EQ(sys(write, ends[1], "x", 1), 1);
    EQ(sys(write, ends[1], "x", 1), -EAGAIN);                   // a page each
    EQ(sys(fcntl, ends[1], F_SETFL, NONBLOCK), 0);
    EQ(sys(read, ends[0], back, 8192), 1);
    EQ(sys(write, ends[1], "y", 1), 1);
    EQ(sys(write, ends[1], "z", 1), 1);                         // bytes again, which share a page
    for (int i = 0; i < 15; i++)
        EQ(sys(read, ends[0], back, 8192), 1);
    EQ(sys(read, ends[0], back, 8192), 2);
    EQ(sys(pipe2, ends, 1), -EINVAL);
    return 0;
}
