// pipe(7): a pipe of 64 KiB takes 65536 bytes and, without readers' help, no more; O_NONBLOCK makes that EAGAIN. A full
// or empty pipe that nobody else has open must not end the kernel: the alarm of a real one would be the way out.
#include "raw.h"

static char block[65536];

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    int ends[2];
    EQ(sys(pipe2, ends, O_NONBLOCK), 0);
    EQ(sys(write, ends[1], block, sizeof block), 65536);
    EQ(sys(write, ends[1], block, 1), -EAGAIN);
    EQ(sys(read, ends[0], block, sizeof block), 65536);
    EQ(sys(read, ends[0], block, 1), -EAGAIN);
    return 0;
}
