// memfd_create(2): a file in RAM that can be read, written, resized, punched and mapped; mappings see writes at once and
// outlive the descriptor; fcntl's seals are kept; readlink shows "/memfd:NAME (deleted)".
#include "raw.h"

#define RW (PROT_READ | PROT_WRITE)
#define MFD_CLOEXEC 1
#define MFD_ALLOW_SEALING 2
enum { SEAL = 1, SHRINK = 2, GROW = 4, WRITE = 8, FUTURE_WRITE = 16 };

static int memfd(int flags) { return sys(memfd_create, "a name", flags); }

static char *shared(int fd, int prot) { return (char *)sys(mmap, 0, 2 * PAGE, prot, MAP_SHARED, fd, 0); }

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    char text[64];
    EQ(sys(memfd_create, BAD_POINTER, 0), -EFAULT);
    EQ(sys(memfd_create, "x", 0x40), -EINVAL);
    static char name[300];
    memset(name, 'n', 250);
    EQ(sys(memfd_create, name, 0), -EINVAL);
    name[249] = 0;
    int longest = sys(memfd_create, name, 0);
    CHECK(longest >= 0);
    EQ(sys(close, longest), 0);

    int fd = memfd(MFD_CLOEXEC);
    CHECK(fd >= 0);
    EQ(sys(fcntl, fd, F_GETFD), 1);
    EQ(sys(fcntl, fd, F_GETFL), 0100002);               // O_RDWR | O_LARGEFILE
    char link[] = "/proc/self/fd/0";
    link[14] = '0' + fd;
    long n = sys(readlink, link, text, sizeof text);
    EQ(n, 23);
    EQ(memcmp(text, "/memfd:a name (deleted)", 23), 0);
    EQ(sys(fcntl, fd, F_GET_SEALS), SEAL);
    EQ(sys(fcntl, fd, F_ADD_SEALS, WRITE), -EPERM);

    // reading, writing, seeking
    EQ(sys(read, fd, text, 10), 0);
    EQ(sys(write, fd, "hello", 5), 5);
    EQ(sys(pwrite64, fd, "end", 3, 2 * PAGE - 3), 3);
    EQ(sys(lseek, fd, 0, 2), 2 * PAGE);
    EQ(sys(lseek, fd, 0, 1), 2 * PAGE);
    EQ(sys(lseek, fd, -3, 2), 2 * PAGE - 3);
    EQ(sys(read, fd, text, 10), 3);
    EQ(memcmp(text, "end", 3), 0);
    EQ(sys(pread64, fd, text, 8, 0), 8);
    EQ(memcmp(text, "hello\0\0\0", 8), 0);
    EQ(sys(lseek, fd, -1, 0), -EINVAL);
    EQ(sys(pwrite64, fd, "x", 1, 5 * PAGE), 1);
    EQ(sys(lseek, fd, 2 * PAGE, 3), 5 * PAGE);          // SEEK_DATA
    EQ(sys(lseek, fd, 0, 4), 2 * PAGE);                 // SEEK_HOLE
    EQ(sys(lseek, fd, 6 * PAGE, 3), -ENXIO);
    EQ(sys(ftruncate, fd, 2 * PAGE), 0);

    // mappings
    char *p = shared(fd, RW), *q = shared(fd, PROT_READ);
    char *own = (char *)sys(mmap, 0, 2 * PAGE, RW, MAP_PRIVATE, fd, 0);
    CHECK((long)p > 0 && (long)q > 0 && (long)own > 0);
    EQ(memcmp(q, "hello", 5), 0);
    EQ(own[1], 'e');
    p[0] = 'J';
    EQ(q[0], 'J');
    EQ(own[0], 'J');                                    // not copied yet
    own[0] = 'o';
    EQ(q[0], 'J');
    EQ(sys(pread64, fd, text, 5, 0), 5);
    EQ(memcmp(text, "Jello", 5), 0);
    EQ(sys(pwrite64, fd, "Cello", 5, 0), 5);
    EQ(q[0], 'C');
    EQ(p[4], 'o');
    EQ(own[0], 'o');
    EQ(q[2 * PAGE - 1], 'd');

    // holes, and the end
    EQ(sys(fallocate, fd, 3, 2, PAGE), 0);              // KEEP_SIZE | PUNCH_HOLE
    EQ(memcmp(q, "Ce\0\0\0", 5), 0);
    EQ(sys(fallocate, fd, 2, 0, PAGE), -EOPNOTSUPP);
    EQ(sys(fallocate, fd, 0, 0, 0), -EINVAL);
    EQ(sys(fallocate, fd, 0, -1L, 1), -EINVAL);
    EQ(sys(fallocate, fd, 1, 2 * PAGE, PAGE), 0);       // KEEP_SIZE
    EQ(sys(lseek, fd, 0, 2), 2 * PAGE);
    EQ(sys(fallocate, fd, 0, 2 * PAGE, PAGE), 0);
    EQ(sys(lseek, fd, 0, 2), 3 * PAGE);
    EQ(sys(ftruncate, fd, PAGE + 4), 0);
    EQ(q[2 * PAGE - 1], 0);
    EQ(probe(q + PAGE), READABLE);
    EQ(sys(ftruncate, fd, 4), 0);
    EQ(probe(q + PAGE), UNMAPPED);                      // SIGBUS for the guest, EFAULT for the kernel
    EQ(probe(own + PAGE), UNMAPPED);
    EQ(own[0], 'o');
    EQ(sys(ftruncate, fd, 2 * PAGE), 0);
    EQ(q[PAGE], 0);
    EQ(sys(ftruncate, fd, -1L), -EINVAL);

    // a mapping outlives the descriptor, and /proc/self/fd opens the file anew
    int again = sys(open, link, O_RDONLY);
    CHECK(again >= 0);
    EQ(sys(write, again, "x", 1), -EBADF);
    EQ(sys(read, again, text, 2), 2);
    EQ(memcmp(text, "Ce", 2), 0);
    EQ(sys(mmap, 0, PAGE, RW, MAP_SHARED, again, 0), -EACCES);
    EQ(sys(close, again), 0);
    EQ(sys(close, fd), 0);
    p[1] = 'x';
    EQ(q[1], 'x');

    // seals
    fd = memfd(MFD_ALLOW_SEALING);
    EQ(sys(fcntl, fd, F_GET_SEALS), 0);
    EQ(sys(ftruncate, fd, 2 * PAGE), 0);
    EQ(sys(fcntl, fd, F_ADD_SEALS, 0x100), -EINVAL);
    EQ(sys(fcntl, fd, F_ADD_SEALS, SHRINK), 0);
    EQ(sys(ftruncate, fd, PAGE), -EPERM);
    EQ(sys(ftruncate, fd, 3 * PAGE), 0);
    EQ(sys(fcntl, fd, F_ADD_SEALS, GROW), 0);
    EQ(sys(ftruncate, fd, 4 * PAGE), -EPERM);
    EQ(sys(fallocate, fd, 0, 3 * PAGE, PAGE), -EPERM);
    EQ(sys(pwrite64, fd, "ab", 2, 3 * PAGE), -EPERM);
    EQ(sys(pwrite64, fd, "ab", 2, 3 * PAGE - 1), 1);              // page by page
    EQ(sys(fcntl, fd, F_GET_SEALS), SHRINK | GROW);
    char *w = shared(fd, RW);
    EQ(sys(fcntl, fd, F_ADD_SEALS, WRITE), -EBUSY);
    EQ(sys(munmap, w, 2 * PAGE), 0);
    EQ(sys(fcntl, fd, F_ADD_SEALS, WRITE | SEAL), 0);
    EQ(sys(fcntl, fd, F_ADD_SEALS, SHRINK), -EPERM);
    EQ(sys(pwrite64, fd, "x", 1, 0), -EPERM);
    EQ(sys(fallocate, fd, 3, 0, PAGE), -EPERM);
    EQ(sys(mmap, 0, PAGE, RW, MAP_SHARED, fd, 0), -EPERM);
    own = (char *)sys(mmap, 0, PAGE, RW, MAP_PRIVATE, fd, 0);
    CHECK((long)own > 0);
    own[0] = 1;

    fd = memfd(MFD_ALLOW_SEALING);
    EQ(sys(ftruncate, fd, 2 * PAGE), 0);
    w = shared(fd, RW);
    EQ(sys(fcntl, fd, F_ADD_SEALS, FUTURE_WRITE), 0);
    w[0] = 'w';                                         // what is mapped stays writable
    EQ(sys(write, fd, "x", 1), -EPERM);
    EQ(sys(mmap, 0, PAGE, RW, MAP_SHARED, fd, 0), -EPERM);
    q = shared(fd, PROT_READ);
    EQ(q[0], 'w');
    EQ(sys(mprotect, q, PAGE, RW), -EACCES);
    EQ(sys(fcntl, 1, F_GET_SEALS), -EINVAL);
    return 0;
}
