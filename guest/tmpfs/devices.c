// null, zero, full, random and urandom: what each says to every call that a file can be asked (null(4), full(4),
// random(4)). The answers are written out, and are those of the host.
#include "raw_file.h"

#include <asm/stat.h>
#include <linux/poll.h>
#include <linux/random.h>
#include <linux/uio.h>

#define SHOW(call) print("  %s: %d\n", #call, (long)(call))
#define MAPS(prot, flags, offset) ((unsigned long)sys(mmap, 0, PAGE, prot, flags, fd, offset) < -4095UL)

static const char *const NAMES[] = {"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"};
static char room[3 * PAGE];

static void ask(const char *name, int fd)
{
    struct stat st;
    struct pollfd poll = {fd, 0x7fff, 0};
    struct iovec io = {room, 4};
    struct {
        unsigned events;
        unsigned long data;
    } __attribute__((packed)) event = {1, 0};
    int number = 0;
    SHOW(sys(read, fd, room, 4));
    SHOW(sys(read, fd, room, 0));
    SHOW(sys(read, fd, BAD_POINTER, 4));
    SHOW(sys(read, fd, BAD_POINTER, 0));
    SHOW(sys(write, fd, room, 4));
    SHOW(sys(write, fd, room, 0));
    SHOW(sys(write, fd, BAD_POINTER, 4));
    SHOW(sys(pread64, fd, room, 4, 100));
    SHOW(sys(pwrite64, fd, room, 4, 100));
    SHOW(sys(pread64, fd, room, 4, -1));
    SHOW(sys(preadv2, fd, &io, 1, -1, -1, RWF_NOWAIT));
    SHOW(sys(pwritev2, fd, &io, 1, -1, -1, RWF_NOWAIT));
    SHOW(sys(preadv2, fd, &io, 1, -1, -1, RWF_HIPRI));
    SHOW(sys(lseek, fd, 100, SEEK_SET));
    SHOW(sys(lseek, fd, 0, SEEK_CUR));
    SHOW(sys(lseek, fd, -5, SEEK_SET));
    SHOW(sys(lseek, fd, 5, SEEK_END));
    SHOW(sys(lseek, fd, 5, 3));
    SHOW(sys(lseek, fd, 5, 99));
    SHOW(sys(ftruncate, fd, 0));
    SHOW(sys(fallocate, fd, 0, 0, 10));
    SHOW(sys(fsync, fd));
    SHOW(sys(ioctl, fd, FIGETBSZ, &number));
    SHOW(number);
    SHOW(sys(ioctl, fd, 0x5401, room));                 // TCGETS: what isatty(3) asks
    SHOW(sys(ioctl, fd, 0x541b, room));                 // FIONREAD
    SHOW(sys(ioctl, fd, 0x5460, room));                 // FIOQSIZE
    SHOW(sys(ioctl, fd, RNDGETENTCNT, &number));
    SHOW(number);
    SHOW(sys(ioctl, fd, FS_IOC_GETFLAGS, room));
    SHOW(sys(poll, &poll, 1, 0));
    SHOW(poll.revents);
    int epoll = sys(epoll_create1, 0);
    SHOW(sys(epoll_ctl, epoll, 1, fd, &event));
    sys(close, epoll);
    SHOW(MAPS(PROT_READ | PROT_WRITE, MAP_PRIVATE, 0));
    SHOW(MAPS(PROT_READ | PROT_WRITE, MAP_SHARED, 0));
    SHOW(MAPS(PROT_READ, MAP_SHARED, PAGE));
    SHOW(sys(fcntl, fd, F_GETFL));
    SHOW(sys(fcntl, fd, F_SETFL, O_APPEND | O_NONBLOCK));
    SHOW(sys(fcntl, fd, F_GETFL));
    SHOW(sys(fstat, fd, &st));
    SHOW(st.st_mode);
    SHOW(st.st_rdev);
    SHOW(st.st_size);
    SHOW(st.st_blksize);
    SHOW(st.st_nlink);
    SHOW(sys(truncate, name, 0));
    SHOW(sys(open, name, O_RDWR | O_DIRECTORY));
    SHOW(sys(open, name, O_RDWR | O_DIRECT));
    SHOW(sys(open, name, O_CREAT | O_EXCL, 0600));
    int other = sys(open, name, O_RDONLY | O_TRUNC | O_CREAT, 0600);
    SHOW(other >= 0);
    SHOW(sys(write, other, room, 1));
    SHOW(sys(copy_file_range, fd, 0, fd, 0, 10, 0));
    SHOW(sys(sendfile, fd, other, 0, 10));
    SHOW(sys(mkdirat, fd, "x", 0700));
    sys(close, other);
}

MAIN
{
    for (unsigned i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
        int fd = sys(open, NAMES[i], O_RDWR);
        print("%s\n", NAMES[i]);
        CHECK(fd >= 0);
        ask(NAMES[i], fd);
        sys(close, fd);
    }

    // zeros overwrite what was there, over pages and in pieces
    int zero = sys(open, "/dev/zero", O_RDWR);
    memset(room, 'x', sizeof room);
    struct iovec pieces[2] = {{room + 100, PAGE}, {room + 2 * PAGE, 5}};
    EQ(sys(readv, zero, pieces, 2), PAGE + 5);
    EQ(room[99], 'x');
    EQ(room[100], 0);
    EQ(room[100 + PAGE - 1], 0);
    EQ(room[100 + PAGE], 'x');
    EQ(room[2 * PAGE + 4], 0);
    EQ(room[2 * PAGE + 5], 'x');

    // a private mapping is one's own, a shared one is shared with children, and each mapping is another memory
    char *own = (char *)sys(mmap, 0, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, zero, 0);
    char *common = (char *)sys(mmap, 0, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, zero, 0);
    char *other = (char *)sys(mmap, 0, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, zero, 0);
    EQ(*common, 0);
    long pid = IN_CHILD(*own = *common = 'c');
    EQ(sys(wait4, pid, 0, 0, 0), pid);
    EQ(*own, 0);
    EQ(*common, 'c');
    EQ(*other, 0);

    // random bytes are not all the same, and not the same twice
    int random = sys(open, "/dev/urandom", O_RDONLY);
    EQ(sys(read, random, room, 2 * PAGE), 2 * PAGE);
    CHECK(memcmp(room, room + PAGE, PAGE) != 0);

    char link[64];
    EQ(sys(readlink, "/dev/fd", link, sizeof link), 13);
    EQ(memcmp(link, "/proc/self/fd", 13), 0);
    EQ(sys(readlink, "/dev/stdin", link, sizeof link), 15);
    CHECK(sys(open, "/dev/fd/0", O_RDONLY) != -ENOENT);
    return 0;
}
