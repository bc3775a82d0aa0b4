// proc(5) as a file system: reads in small pieces, seeks, bad pointers, what cannot be opened, written, made or removed;
// /proc/self/fd and fdinfo.
#include "raw_proc.h"

#include <linux/eventpoll.h>
#include <linux/time.h>

#define SEEK_SET 0
#define SEEK_CUR 1
#define SEEK_END 2

static char whole[TEXT_BYTES];

static void pieces(const char *path, long n_bytes)
{
    long fd = open_at(path, O_RDONLY), n, at = 0;
    char piece[8192];
    CHECK(fd >= 0);
    while ((n = sys(read, fd, piece, n_bytes)) > 0) {
        CHECK(memcmp(whole + at, piece, n) == 0);
        at += n;
    }
    EQ(n, 0);
    EQ(at, strlen(whole));
    EQ(sys(read, fd, piece, n_bytes), 0);
    EQ(sys(lseek, fd, 0, SEEK_CUR), at);
    EQ(sys(pread64, fd, piece, 5, 10), 5);
    EQ(memcmp(whole + 10, piece, 5), 0);
    EQ(sys(pread64, fd, piece, 5, at), 0);
    EQ(sys(lseek, fd, 3, SEEK_SET), 3);
    EQ(sys(read, fd, piece, 4), 4);
    EQ(memcmp(whole + 3, piece, 4), 0);
    sys(close, fd);
}

static void reading(void)
{
    static const char *stable[] = {"/proc/self/maps", "/proc/self/limits", "/proc/self/cmdline", "/proc/version",
                                   "/proc/self/mountinfo", "/proc/filesystems"};
    for (unsigned i = 0; i < sizeof stable / sizeof *stable; i++) {
        CHECK(slurp(stable[i]) > 4);
        memcpy(whole, text, n_text + 1);
        static const long sizes[] = {1, 3, 100, 4095, 8192};
        if (memcmp(whole, "XX", 2) == 0)
            continue;
        for (unsigned j = 0; j < sizeof sizes / sizeof *sizes; j++)
            if (strlen(whole) == (unsigned long)n_text)         // cmdline has NULs
                pieces(stable[i], sizes[j]);
    }
    // whole lines, as many as have room in a page
    long fd = open_at("/proc/self/maps", O_RDONLY);
    long n = sys(read, fd, text, TEXT_BYTES);
    CHECK(n > 0 && n < 4096 && text[n - 1] == '\n');
    sys(close, fd);

    // a number is read from its beginning, a string from anywhere
    char piece[100];
    fd = open_at("/proc/sys/kernel/pid_max", O_RDONLY);
    EQ(sys(read, fd, piece, 2), 2);
    EQ(sys(read, fd, piece, 2), 0);
    EQ(sys(pread64, fd, piece, 100, 1), 0);
    CHECK(sys(pread64, fd, piece, 100, 0) > 2);
    sys(close, fd);
    fd = open_at("/proc/sys/kernel/ostype", O_RDONLY);
    EQ(sys(read, fd, piece, 2), 2);
    EQ(sys(read, fd, piece, 100), 4);
    EQ(memcmp(piece, "nux\n", 4), 0);
    EQ(sys(read, fd, piece, 100), 0);
    sys(close, fd);
}

static void seeking(void)
{
    long fd = open_at("/proc/self/status", O_RDONLY);
    EQ(sys(lseek, fd, 0, SEEK_END), -EINVAL);
    EQ(sys(lseek, fd, -1, SEEK_SET), -EINVAL);
    EQ(sys(lseek, fd, 1L << 40, SEEK_SET), 1L << 40);
    EQ(sys(read, fd, text, 10), 0);
    EQ(sys(lseek, fd, 0, SEEK_SET), 0);
    EQ(sys(read, fd, text, 5), 5);
    EQ(memcmp(text, "Name:", 5), 0);
    EQ(sys(read, fd, BAD_POINTER, 5), -EFAULT);
    EQ(sys(read, fd, KERNEL_POINTER, 5), -EFAULT);
    EQ(sys(read, fd, text, 0), 0);
    EQ(sys(read, fd, text, 1), 1);
    EQ(text[0], '\t');
    sys(close, fd);

    // a page whose neighbour is not there
    char *page = map(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, 0);
    sys(munmap, page + PAGE, PAGE);
    fd = open_at("/proc/self/limits", O_RDONLY);
    long n = sys(read, fd, page + PAGE - 8, 100);
    CHECK(n == 8 || n == -EFAULT);
    EQ(sys(pread64, fd, page + PAGE - 8, 8, 0), 8);
    EQ(memcmp(page + PAGE - 8, "Limit   ", 8), 0);
    sys(close, fd);
    fd = open_at("/proc/self/environ", O_RDONLY);
    EQ(sys(lseek, fd, 0, SEEK_END), 0);
    EQ(sys(lseek, fd, 0, 9), -EINVAL);
    sys(close, fd);
    fd = open_at("/proc/self/mem", O_RDWR);
    EQ(sys(lseek, fd, 0, SEEK_END), -EINVAL);
    static char secret[] = "secret";
    EQ(sys(pread64, fd, text, 7, secret), 7);
    EQ(strcmp(text, "secret"), 0);
    EQ(sys(pwrite64, fd, "S", 1, secret), 1);
    EQ(secret[0], 'S');
    EQ(sys(pread64, fd, text, 7, BAD_POINTER), -EIO);
    sys(close, fd);
}

static void refusals(void)
{
    EQ(open_at("/proc/none", O_RDONLY), -ENOENT);
    EQ(open_at("/proc/self/none", O_RDONLY), -ENOENT);
    EQ(open_at("/proc/self/status/none", O_RDONLY), -ENOTDIR);
    EQ(open_at("/proc/self", O_WRONLY), -EISDIR);
    EQ(open_at("/proc/self/status", O_RDONLY | O_DIRECTORY), -ENOTDIR);
    EQ(open_at("/proc/self/exe", O_RDONLY | O_NOFOLLOW), -ELOOP);
    EQ(open_at("/proc/self", O_RDONLY | O_NOFOLLOW), -ELOOP);
    EQ(open_at("/proc/new", O_WRONLY | O_CREAT), -ENOENT);
    EQ(open_at("/proc/self/new", O_WRONLY | O_CREAT), -ENOENT);
    EQ(open_at("/proc/self/comm", O_WRONLY | O_CREAT | O_EXCL), -EEXIST);
    EQ(sys(mkdir, "/proc/new", 0700), -ENOENT);
    EQ(sys(mkdir, "/proc/sys", 0700), -EEXIST);
    EQ(sys(symlink, "x", "/proc/new"), -ENOENT);
    EQ(sys(mknod, "/proc/self/new", S_IFIFO | 0600, 0), -ENOENT);
    EQ(sys(unlink, "/proc/none"), -ENOENT);
    EQ(sys(readlink, "/proc/self/comm", text, 10), -EINVAL);
    EQ(open_at("/proc/18446744073709551617", O_RDONLY), -ENOENT);
    EQ(open_at("/proc/0", O_RDONLY), -ENOENT);
    EQ(open_at("/proc/self/fd/-1", O_RDONLY), -ENOENT);
    EQ(open_at("/proc/self/fd/007", O_RDONLY), -ENOENT);
    EQ(open_at("/proc/self/fd/1234567", O_RDONLY), -ENOENT);

    // `>` on a file that can be written
    long fd = open_at("/proc/self/comm", O_WRONLY | O_CREAT | O_TRUNC);
    CHECK(fd >= 0);
    EQ(sys(write, fd, "name", 4), 4);
    EQ(sys(read, fd, text, 1), -EBADF);
    EQ(sys(ftruncate, fd, 0), 0);
    sys(close, fd);
    fd = open_at("/proc/self/comm", O_RDONLY);
    EQ(sys(write, fd, "x", 1), -EBADF);
    EQ(sys(mmap, 0, PAGE, PROT_READ, MAP_PRIVATE, fd, 0), -ENODEV);
    EQ(sys(ioctl, fd, 0x5401, text), -ENOTTY);
    sys(close, fd);
    if (sys(geteuid) == 0) {
        fd = open_at("/proc/version", O_WRONLY);
        CHECK(fd >= 0);
        EQ(sys(write, fd, "x", 1), -EIO);
        sys(close, fd);
        fd = open_at("/proc/self/status", O_WRONLY);
        CHECK(fd >= 0);
        EQ(sys(write, fd, "x", 1), -EINVAL);
        sys(close, fd);
        EQ(sys(unlink, "/proc/version"), -EPERM);
        EQ(sys(rmdir, "/proc/sys"), -EPERM);
        EQ(sys(rename, "/proc/version", "/proc/none"), -ENOENT);
        EQ(sys(rename, "/proc/version", "/proc/uptime"), -EPERM);
        EQ(sys(chmod, "/proc/self/comm", 0600), -EPERM);
    } else {
        EQ(open_at("/proc/version", O_WRONLY), -EACCES);
        EQ(open_at("/proc/sys/kernel/hostname", O_WRONLY), -EACCES);
        EQ(sys(unlink, "/proc/version"), -EACCES);
    }
    EQ(sys(access, "/proc/self/status", 1), -EACCES);   // X_OK
    EQ(sys(access, "/proc/self/task", 5), 0);
}

static void shown(void)
{
    struct stat {                                       // arch/x86/include/uapi/asm/stat.h
        unsigned long dev, ino, nlink;
        unsigned mode, uid, gid, pad;
        unsigned long rdev;
        long size, blksize, blocks;
        unsigned long times[9];
    } one, two;
    EQ(sys(stat, "/proc/self/status", &one), 0);
    EQ(one.mode, S_IFREG | 0444);
    EQ(one.nlink, 1);
    EQ(one.size | one.blocks, 0);
    EQ(one.blksize, 1024);
    EQ(sys(stat, "/proc/self/task", &two), 0);
    EQ(two.mode, S_IFDIR | 0555);
    EQ(two.nlink, 3);
    EQ(two.dev, one.dev);
    CHECK(two.ino != one.ino);
    EQ(sys(lstat, "/proc/self", &one), 0);
    EQ(one.mode, S_IFLNK | 0777);
    EQ(sys(stat, "/proc/self", &one), 0);
    EQ(one.mode, S_IFDIR | 0555);
    EQ(one.uid, sys(geteuid));
    EQ(sys(stat, "/proc", &one), 0);
    EQ(one.ino, 1);
    EQ(one.uid, 0);
    EQ(sys(lstat, "/proc/self/exe", &one), 0);
    EQ(one.mode, S_IFLNK | 0777);
    EQ(one.size, 0);
    EQ(sys(stat, "/proc/self/exe", &one), 0);
    EQ(one.mode & S_IFMT, S_IFREG);
    unsigned long statfs[15];
    EQ(sys(statfs, "/proc/self/status", statfs), 0);
    EQ(statfs[0], 0x9fa0);
    EQ(statfs[1], PAGE);
    EQ(statfs[2] | statfs[3], 0);
    EQ(lists("/proc", "self"), 1);
    EQ(lists("/proc", "none"), 0);
    EQ(lists("/proc/self", "fdinfo"), 1);
}

static long sys_eventfd(long count)
{
    return sys(eventfd2, count, 0);
}

static long sys_signalfd(unsigned long *mask)
{
    return sys(signalfd4, -1, mask, 8, 0);
}

static long sys_timerfd(void)
{
    long times[4] = {5, 250, 100, 0};
    long fd = sys(timerfd_create, 1, 0);
    sys(timerfd_settime, fd, 0, times, NULL);
    return fd;
}

static void descriptors(void)
{
    int ends[2], fd = open_at("/dev/null", O_RDWR);
    EQ(sys(pipe2, ends, O_CLOEXEC), 0);
    CHECK(link_of(proc_path(self(), "fd/1")) > 0);
    EQ(sys(dup2, fd, 40), 40);
    EQ(link_of("/proc/self/fd/40"), 9);
    EQ(strcmp(text, "/dev/null"), 0);
    EQ(sys(dup2, ends[1], 41), 41);
    CHECK(link_of("/proc/self/fd/41") > 0);
    CHECK(starts_with(text, "pipe:["));
    long number = parse(text + 6, 10);
    EQ(lists("/proc/self/fd", "40"), 1);
    EQ(lists("/proc/self/fd", "42"), 0);

    // the link's own mode says how it was opened
    struct {
        unsigned long dev, ino, nlink;
        unsigned mode, rest[29];
    } status;
    EQ(sys(lstat, "/proc/self/fd/40", &status), 0);
    EQ(status.mode, S_IFLNK | 0700);
    EQ(sys(lstat, "/proc/self/fd/41", &status), 0);
    EQ(status.mode, S_IFLNK | 0300);
    EQ(sys(stat, "/proc/self/fd/41", &status), 0);
    EQ(status.mode, S_IFIFO | 0600);
    EQ(status.ino, number);

    // fdinfo
    EQ(slurp("/proc/self/fdinfo/41") > 0, 1);
    EQ(number_of("pos:"), 0);
    EQ(parse(value_of("flags:"), 8), O_WRONLY);
    CHECK(number_of("mnt_id:") > 0);
    CHECK(slurp(ends[0] == 4 ? "/proc/self/fdinfo/4" : "/proc/self/fdinfo/5") > 0);
    EQ(parse(value_of("flags:"), 8) & O_CLOEXEC, O_CLOEXEC);
    long file = open_at("/proc/self/exe", O_RDONLY);
    EQ(sys(lseek, file, 1234, SEEK_SET), 1234);
    EQ(sys(dup2, file, 50), 50);
    CHECK(slurp("/proc/self/fdinfo/50") > 0);
    EQ(number_of("pos:"), 1234);
    EQ(parse(value_of("flags:"), 8), O_RDONLY | 0100000);
    CHECK(number_of("ino:") > 0);

    EQ(sys(dup2, sys_eventfd(7), 51), 51);
    CHECK(slurp("/proc/self/fdinfo/51") > 0);
    EQ(hex_of("eventfd-count:"), 7);
    struct epoll_event event = {EPOLLIN | EPOLLET, 0x1234};
    long epoll = sys(epoll_create1, 0);
    EQ(sys(epoll_ctl, epoll, EPOLL_CTL_ADD, 51, &event), 0);
    EQ(sys(dup2, epoll, 52), 52);
    CHECK(slurp("/proc/self/fdinfo/52") > 0);
    char *row = value_of("tfd:");
    EQ(word_number(row, 0), 51);
    EQ(parse(word(row, 2), 16), EPOLLIN | EPOLLET | 0x18);
    EQ(parse(word(row, 4), 16), 0x1234);
    unsigned long mask = 1UL << 9 | 1UL << 40;
    EQ(sys(dup2, sys_signalfd(&mask), 53), 53);
    CHECK(slurp("/proc/self/fdinfo/53") > 0);
    EQ(hex_of("sigmask:"), mask & ~(1UL << 8));
    EQ(sys(dup2, sys_timerfd(), 54), 54);
    CHECK(slurp("/proc/self/fdinfo/54") > 0);
    EQ(number_of("clockid:"), 1);
    EQ(number_of("ticks:"), 0);
    CHECK(starts_with(value_of("it_value:"), "(99, ") || starts_with(value_of("it_value:"), "(100, "));
    CHECK(starts_with(value_of("it_interval:"), "(5, 250)\n"));

    long watcher = sys(inotify_init1, 0);
    EQ(sys(inotify_add_watch, watcher, "/", 0x300), 1);     // IN_CREATE | IN_DELETE
    EQ(sys(dup2, watcher, 55), 55);
    CHECK(slurp("/proc/self/fdinfo/55") > 0);
    CHECK(starts_with(value_of("inotify"), "wd:1 ino:"));
    for (row = value_of("inotify"); !starts_with(row, "mask:"); row++)
        CHECK(*row != '\n');
    CHECK(starts_with(row, "mask:300 ignored_mask:0 "));

    // another description of the same file, even when its name is gone
    EQ(sys(close, 54), 0);
    EQ(slurp("/proc/self/fdinfo/54"), -ENOENT);
    EQ(link_of("/proc/self/fd/54"), -ENOENT);
    long again = open_at("/proc/self/fd/50", O_RDONLY);
    CHECK(again >= 0);
    EQ(sys(lseek, again, 0, SEEK_CUR), 0);
    long refused = open_at("/proc/self/fd/51", O_RDONLY);
    CHECK(refused == -ENXIO || (refused == -EACCES && sys(geteuid)));   // its inode is root's, 0600
}

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    reading();
    seeking();
    refusals();
    shown();
    descriptors();
    return 0;
}
