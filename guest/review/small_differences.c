// readv(2), write(2), getrandom(2), copy_file_range(2), sendfile(2), mmap(2), prctl(2), getdents64(2), lseek(2): which
// numbers are looked at, in which order, and what is left of a transfer that meets a bad address.
#include "raw.h"

#include <linux/prctl.h>
#include <linux/uio.h>

static char buffer[4096] __attribute__((aligned(8)));

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    int a = sys(open, "a", O_RDWR | O_CREAT | O_TRUNC, 0600), b = sys(open, "b", O_RDWR | O_CREAT | O_TRUNC, 0600);
    int write_only = sys(open, "a", O_WRONLY), ends[2];
    long zero = 0, negative = -1, big = 0x7fffffffffffffff;
    EQ(sys(pipe, ends), 0);
    EQ(sys(write, a, "hello", 5), 5);

    EQ(sys(sendfile, 99, a, &zero, -1L), -EINVAL);
    EQ(sys(sendfile, 99, write_only, &zero, 5), -EBADF);
    EQ(sys(sendfile, b, a, &negative, 5), -EINVAL);
    EQ(sys(sendfile, b, a, &big, 5), -EINVAL);
    EQ(sys(sendfile, b, ends[0], &negative, 5), -ESPIPE);
    EQ(sys(copy_file_range, a, NULL, b, NULL, -1L, 0), -EOVERFLOW);
    EQ(sys(copy_file_range, a, &negative, b, &zero, 5, 0), -EOVERFLOW);
    EQ(sys(copy_file_range, a, &negative, b, &zero, 0, 0), -EINVAL);

    struct iovec two[2] = {{buffer, 2}, {buffer, 3}};
    struct iovec bad[2] = {{KERNEL_POINTER, 5}, {buffer, -1UL}};
    EQ(sys(lseek, a, 0, 0), 0);
    EQ(sys(readv, a, two, 0x100000002), 5);
    EQ(sys(readv, a, two, 0x100000000), 0);
    EQ(sys(readv, a, two, 1025), -EINVAL);
    EQ(sys(readv, a, bad, 2), -EINVAL);
    bad[1].iov_len = 1;
    EQ(sys(readv, a, bad, 2), -EFAULT);

    char *page = map(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, 0);
    EQ(sys(munmap, page + PAGE, PAGE), 0);
    EQ(sys(fcntl, ends[0], F_SETFL, O_NONBLOCK), 0);
    EQ(sys(write, ends[1], page + PAGE - 10, 20), -EFAULT);
    EQ(sys(write, ends[1], page, 5000), 4096);
    EQ(sys(read, ends[0], buffer, 4096), 4096);
    EQ(sys(read, ends[0], buffer, 4096), -EAGAIN);
    EQ(sys(write, ends[1], "ab", 2), 2);
    EQ(sys(write, ends[1], page + PAGE - 10, 20), -EFAULT);
    EQ(sys(write, ends[1], page, 4100), 4);
    EQ(sys(read, ends[0], buffer, 4096), 6);

    EQ(sys(getrandom, -1L, 0, 0), -EFAULT);
    EQ(sys(getrandom, 0x10, 0, 0), 0);
    EQ(sys(getrandom, 0x7ffffffff001, 0, 0), -EFAULT);

    int dir = sys(open, ".", O_RDONLY | O_DIRECTORY), zeros = sys(open, "/dev/zero", O_RDONLY);
    EQ(sys(mmap, NULL, 0, PROT_READ, MAP_PRIVATE, dir, 0), -EINVAL);
    EQ(sys(mmap, NULL, PAGE, PROT_READ, 0, dir, 0), -EINVAL);
    EQ(sys(mmap, NULL, PAGE, PROT_READ, MAP_PRIVATE, dir, 0), -ENODEV);
    EQ(sys(mmap, NULL, PAGE, PROT_READ, MAP_PRIVATE, ends[1], 0), -EACCES);
    EQ(sys(mmap, NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, zeros, 0), -EACCES);
    char *own = (char *)sys(mmap, NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, zeros, PAGE);
    CHECK((long)own > 0 && own[100] == 0);
    own[100] = 1;
    zeros = sys(open, "/dev/zero", O_RDWR);
    char *shared = (char *)sys(mmap, NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, zeros, 0);
    CHECK((long)shared > 0);
    if (sys(fork) == 0) {
        shared[5] = 7;
        sys(exit, 0);
    }
    sys(wait4, -1, NULL, 0, NULL);
    EQ(shared[5], 7);

    int value = 0;
    EQ(sys(prctl, PR_CAPBSET_READ, 41, 0, 0, 0), -EINVAL);
    EQ(sys(prctl, PR_CAPBSET_READ, 0x100000000, 0, 0, 0), -EINVAL);
    EQ(sys(prctl, PR_GET_TSC, &value, 0, 0, 0), 0);
    EQ(value, PR_TSC_ENABLE);
    EQ(sys(prctl, PR_GET_TSC, 16, 0, 0, 0), -EFAULT);
    EQ(sys(prctl, PR_GET_TIMING, 0, 0, 0, 0), 0);
    EQ(sys(prctl, PR_GET_THP_DISABLE, 0, 0, 0, 0), 0);
    EQ(sys(prctl, PR_GET_THP_DISABLE, 1, 0, 0, 0), -EINVAL);
    EQ(sys(prctl, PR_GET_SECUREBITS, 0, 0, 0, 0), 0);

    EQ(sys(getdents64, dir, buffer, 0x80000000), -EINVAL);
    CHECK(sys(getdents64, dir, buffer, sizeof buffer) > 0);
    if (sys(lseek, dir, 0, 2) > 0) // tmpfs says EINVAL
        EQ(sys(getdents64, dir, buffer, sizeof buffer), 0);
    return 0;
}
