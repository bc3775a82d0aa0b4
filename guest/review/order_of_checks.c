// kill(2), prlimit(2), futex(2), sendfile(2), linkat(2), getdents64(2), mmap(2): which of two errors
// comes first, and what is refused at all.
#include "raw.h"

#include <linux/futex.h>
#include <linux/stat.h>
#include <linux/time_types.h>

struct limit {
    unsigned long soft, hard;
};

static int word;
static char buffer[512] __attribute__((aligned(8)));

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    EQ(sys(kill, 4194303, 100), -ESRCH); // the process before the signal
    EQ(sys(prlimit64, 0, 99, BAD_POINTER, NULL), -EFAULT);
    EQ(sys(prlimit64, 4194303, 99, NULL, NULL), -ESRCH);
    EQ(sys(futex, &word, FUTEX_WAIT | FUTEX_CLOCK_REALTIME, 1, NULL, NULL, 0), -ENOSYS);
    EQ(sys(futex, (char *)&word + 1, FUTEX_WAIT, 0, BAD_POINTER, NULL, 0), -EFAULT);
    EQ(sys(futex, &word, FUTEX_REQUEUE, -1, 1, &word, 0), -EINVAL);
    EQ(sys(futex, &word, FUTEX_REQUEUE, 1, 1, BAD_POINTER, 0), -EFAULT);

    int fd = sys(open, "file", O_RDWR | O_CREAT | O_TRUNC, 0600), other = sys(open, "other", O_RDWR | O_CREAT, 0600);
    EQ(sys(write, fd, "hello", 5), 5);
    EQ(sys(sendfile, other, fd, NULL, -1L), -EINVAL);

    char where[256], from[300], to[300]; // absolute names: Python's os.link follows nothing there
    long n = sys(getcwd, where, sizeof where) - 1;
    memcpy(from, where, n), memcpy(from + n, "/link", 6);
    memcpy(to, where, n), memcpy(to + n, "/hard", 6);
    EQ(sys(symlink, "file", from), 0);
    EQ(sys(linkat, AT_FDCWD, from, AT_FDCWD, to, AT_SYMLINK_FOLLOW), 0);
    EQ(sys(readlink, to, buffer, sizeof buffer), -EINVAL); // not a link: the file itself

    char *page = map(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, 0);
    EQ(sys(munmap, page + PAGE, PAGE), 0);
    int dir = sys(open, ".", O_RDONLY | O_DIRECTORY);
    CHECK(sys(getdents64, dir, page + PAGE - 40, 400) > 0); // the entries before the bad one
    EQ(sys(mmap, NULL, 0, PROT_READ, MAP_PRIVATE, dir, 0), -EINVAL);
    int zero = sys(open, "/dev/zero", O_RDWR);
    CHECK(sys(mmap, NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, zero, 0) > 0);
    return 0;
}
