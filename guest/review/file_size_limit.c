// getrlimit(2), RLIMIT_FSIZE: a file that would grow beyond it is SIGXFSZ and EFBIG; a write is cut at it.
#include "raw_signal.h"

#include <linux/falloc.h>
#include <linux/resource.h>

static int n_signals;

static void count(int signo, siginfo_t *info, struct raw_ucontext *context)
{
    (void)signo, (void)info, (void)context;
    n_signals++;
}

#define SIGNALS(wanted) EQ(n_signals, wanted)

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    static char bytes[20000];
    unsigned long limit[2] = {10000, -1UL};
    raw_handle(SIGXFSZ, count, 0);
    EQ(sys(setrlimit, RLIMIT_FSIZE, limit), 0);
    int fd = sys(open, "file", O_RDWR | O_CREAT | O_TRUNC, 0600);
    EQ(sys(write, fd, bytes, 4000), 4000);
    EQ(sys(write, fd, bytes, 4000), 4000);
    EQ(sys(write, fd, bytes, 4000), 2000);
    SIGNALS(0);
    EQ(sys(write, fd, bytes, 4000), -EFBIG);
    SIGNALS(1);
    EQ(sys(write, fd, bytes, 0), 0);
    EQ(sys(pwrite64, fd, bytes, 100, 9950), 50);
    EQ(sys(pwrite64, fd, bytes, 100, 10000), -EFBIG);
    SIGNALS(2);
    EQ(sys(ftruncate, fd, 10000), 0);
    EQ(sys(ftruncate, fd, 10001), -EFBIG);
    EQ(sys(truncate, "file", 20000), -EFBIG);
    EQ(sys(fallocate, fd, 0, 0, 20000), -EFBIG);
    SIGNALS(5);
    int end = sys(open, "file", O_WRONLY | O_APPEND), null = sys(open, "/dev/null", O_WRONLY);
    EQ(sys(pwrite64, end, bytes, 1, 0), -EFBIG);
    EQ(sys(pwrite64, null, bytes, 10, 20000), 10);
    SIGNALS(6);
    return 0;
}
