// tmpfs as /dev/shm has it: link counts, files without a name, names that move, holes, modes of directories, times
// (tmpfs(5), open(2) O_TMPFILE, inode(7)).
#include "raw_file.h"

#include <asm/stat.h>
#include <linux/time_types.h>

static char base[64], path[128], text[4 * PAGE];
static struct stat st, before;

static char *at(const char *name)
{
    size_t n = strlen(base);
    memcpy(path, base, n);
    path[n] = '/';
    memcpy(path + n + 1, name, strlen(name) + 1);
    return path;
}

static char *number_at(char *to, const char *from, long number)
{
    char digits[32], *start = print_number(digits + 31, number, 10);
    size_t n = strlen(from);
    digits[31] = 0;
    memcpy(to, from, n);
    memcpy(to + n, start, strlen(start) + 1);
    return to;
}

static long stat_of(const char *name) { return sys(lstat, at(name), &st); }

static void pause(void)
{
    struct __kernel_timespec time = {0, 20000000};
    sys(nanosleep, &time, 0);
}

static int moved(unsigned long s0, unsigned long n0, unsigned long s1, unsigned long n1)
{
    return s1 > s0 || (s1 == s0 && n1 > n0);
}

// Which times have moved since `before`: 4 access, 2 modification, 1 change
static int times(const char *name)
{
    EQ(stat_of(name), 0);
    int which = moved(before.st_atime, before.st_atime_nsec, st.st_atime, st.st_atime_nsec) << 2 |
                moved(before.st_mtime, before.st_mtime_nsec, st.st_mtime, st.st_mtime_nsec) << 1 |
                moved(before.st_ctime, before.st_ctime_nsec, st.st_ctime, st.st_ctime_nsec);
    before = st;
    pause();
    return which;
}

static void names(void)
{
    char link[64];
    EQ(sys(mkdir, base, 0755), 0);
    EQ(sys(stat, base, &st), 0);
    EQ(st.st_nlink, 2);
    EQ(st.st_size, 40);
    EQ(st.st_blksize, PAGE);
    EQ(sys(mkdir, at("d"), 01777), 0);
    EQ(stat_of("d"), 0);
    EQ(st.st_mode, 041755);                             // umask 022
    EQ(sys(chmod, at("d"), 02755), 0);
    EQ(sys(mkdir, at("d/sub"), 0700), 0);
    EQ(stat_of("d/sub"), 0);
    EQ(st.st_mode, 042700);
    EQ(sys(mkdir, at("d/sub"), 0700), -EEXIST);
    EQ(sys(rmdir, at("d")), -ENOTEMPTY);
    EQ(sys(unlink, at("d")), -EISDIR);
    EQ(sys(stat, base, &st), 0);
    EQ(st.st_nlink, 3);
    EQ(st.st_size, 60);

    int fd = sys(open, at("a"), O_RDWR | O_CREAT | O_EXCL, 0666);
    CHECK(fd >= 0);
    EQ(sys(open, at("a"), O_RDWR | O_CREAT | O_EXCL, 0666), -EEXIST);
    EQ(sys(open, at("a/b"), O_RDWR), -ENOTDIR);
    EQ(sys(open, at("d"), O_RDWR), -EISDIR);
    char old[128];
    memcpy(old, at("a"), sizeof old);
    EQ(sys(link, old, at("b")), 0);
    EQ(sys(link, old, at("b")), -EEXIST);
    EQ(sys(fstat, fd, &st), 0);
    EQ(st.st_nlink, 2);
    EQ(sys(rename, old, at("b")), 0);                   // two names of one file: nothing is done
    EQ(stat_of("a"), 0);
    EQ(sys(unlink, at("a")), 0);
    number_at(old, "/proc/self/fd/", fd);
    long n = sys(readlink, old, link, sizeof link);     // by the name that was opened
    EQ(n, (long)strlen(at("a (deleted)")));
    EQ(memcmp(link, path, n), 0);
    EQ(sys(close, fd), 0);
    EQ(sys(open, at("b"), O_RDWR), fd);
    memcpy(old, at("b"), sizeof old);
    EQ(sys(rename, old, at("d/sub/c")), 0);
    number_at(old, "/proc/self/fd/", fd);
    n = sys(readlink, old, link, sizeof link);
    EQ(n, (long)strlen(at("d/sub/c")));
    EQ(memcmp(link, path, n), 0);
    char other[128];
    memcpy(other, at("d"), sizeof other);
    EQ(sys(rename, other, at("d/sub/e")), -EINVAL);
    EQ(sys(rename, other, at("moved")), 0);
    n = sys(readlink, old, link, sizeof link);
    EQ(n, (long)strlen(at("moved/sub/c")));
    EQ(sys(unlink, path), 0);
    n = sys(readlink, old, link, sizeof link);
    EQ(memcmp(link + n - 10, " (deleted)", 10), 0);
    EQ(sys(fstat, fd, &st), 0);
    EQ(st.st_nlink, 0);
    EQ(sys(write, fd, "still there", 11), 11);
    EQ(sys(close, fd), 0);
    EQ(sys(symlink, "moved/sub", at("l")), 0);
    EQ(stat_of("l"), 0);
    EQ(st.st_mode, 0120777);
    EQ(st.st_size, 9);
    fd = sys(open, at("l/through"), O_WRONLY | O_CREAT, 0600);
    CHECK(fd >= 0);
    sys(close, fd);
    EQ(stat_of("moved/sub/through"), 0);
    EQ(sys(open, at("l"), O_RDONLY | O_NOFOLLOW), -ELOOP);
    EQ(sys(unlink, at("moved/sub/through")), 0);
    EQ(sys(unlink, at("l")), 0);
}

static void without_a_name(void)
{
    char link[64];
    int fd = sys(open, base, O_TMPFILE | O_RDWR, 0640);
    CHECK(fd >= 0);
    EQ(sys(write, fd, "text", 4), 4);
    EQ(sys(fstat, fd, &st), 0);
    EQ(st.st_nlink, 0);
    EQ(st.st_mode, 0100640);
    number_at(link, "/proc/self/fd/", fd);
    EQ(sys(linkat, AT_FDCWD, link, AT_FDCWD, at("named"), AT_SYMLINK_FOLLOW), 0);
    EQ(stat_of("named"), 0);
    EQ(st.st_nlink, 1);
    EQ(st.st_size, 4);
    EQ(sys(close, fd), 0);
    fd = sys(open, base, O_TMPFILE | O_WRONLY | O_EXCL, 0600);
    CHECK(fd >= 0);
    number_at(link, "/proc/self/fd/", fd);
    EQ(sys(linkat, AT_FDCWD, link, AT_FDCWD, at("never"), AT_SYMLINK_FOLLOW), -ENOENT);
    EQ(sys(close, fd), 0);
    EQ(sys(open, base, O_TMPFILE | O_RDONLY, 0600), -EINVAL);
    EQ(sys(open, at("named"), O_TMPFILE | O_RDWR, 0600), -ENOTDIR);
    EQ(sys(unlink, at("named")), 0);

    // the working directory is removed
    EQ(sys(mkdir, at("gone"), 0700), 0);
    EQ(sys(chdir, path), 0);
    EQ(sys(rmdir, path), 0);
    EQ(sys(getcwd, link, sizeof link), -ENOENT);
    EQ(sys(open, "x", O_CREAT | O_WRONLY, 0600), -ENOENT);
    EQ(sys(mkdir, "x", 0700), -ENOENT);
    int here = sys(open, ".", O_RDONLY | O_DIRECTORY);
    CHECK(here >= 0);
    EQ(sys(getdents64, here, text, sizeof text), -ENOENT);
    EQ(sys(close, here), 0);
    EQ(sys(chdir, "/"), 0);
}

static void room(void)
{
    int fd = sys(open, at("holes"), O_RDWR | O_CREAT, 0600);
    CHECK(fd >= 0);
    EQ(sys(ftruncate, fd, 1L << 40), 0);
    EQ(sys(pwrite64, fd, "x", 1, 5 * PAGE), 1);
    EQ(sys(pwrite64, fd, "y", 1, 1L << 39), 1);
    EQ(sys(fstat, fd, &st), 0);
    EQ(st.st_size, 1L << 40);
    EQ(st.st_blocks, 16);
    EQ(sys(lseek, fd, 0, 3), 5 * PAGE);                 // SEEK_DATA
    EQ(sys(lseek, fd, 5 * PAGE, 4), 6 * PAGE);          // SEEK_HOLE
    EQ(sys(lseek, fd, 6 * PAGE, 3), 1L << 39);
    EQ(sys(lseek, fd, (1L << 39) + PAGE, 3), -ENXIO);
    EQ(sys(pread64, fd, text, 3 * PAGE, 4 * PAGE), 3 * PAGE);
    EQ(text[PAGE - 1], 0);
    EQ(text[PAGE], 'x');
    EQ(text[PAGE + 1], 0);
    EQ(sys(fallocate, fd, 1, 10 * PAGE, 4 * PAGE), 0);  // KEEP_SIZE
    EQ(sys(fstat, fd, &st), 0);
    EQ(st.st_blocks, 48);
    EQ(sys(fallocate, fd, 3, 5 * PAGE + 1, 6 * PAGE), 0);   // PUNCH_HOLE: part of a page, whole pages, part
    EQ(sys(fstat, fd, &st), 0);
    EQ(st.st_blocks, 40);
    EQ(sys(pread64, fd, text, 2, 5 * PAGE), 2);
    EQ(text[0], 'x');
    EQ(sys(ftruncate, fd, 5 * PAGE), 0);
    EQ(sys(fstat, fd, &st), 0);
    EQ(st.st_blocks, 0);
    EQ(sys(fallocate, fd, 0, 0, 6 * PAGE), 0);
    EQ(size_of(fd), 6 * PAGE);
    EQ(sys(lseek, fd, 0, 3), -ENXIO);                   // reserved, and still a hole
    EQ(sys(fallocate, fd, 0x10, 0, PAGE), -EOPNOTSUPP);
    EQ(sys(fallocate, fd, 2, 0, PAGE), -EOPNOTSUPP);
    EQ(sys(pwrite64, fd, "x", 1, (1UL << 63) - 1), -EINVAL);
    EQ(sys(pread64, fd, text, 1, (1UL << 63) - 1), -EINVAL);
    EQ(sys(lseek, fd, (1UL << 63) - 1, SEEK_SET), (1UL << 63) - 1);
    EQ(sys(write, fd, "x", 1), -EINVAL);
    EQ(sys(read, fd, text, 1), -EINVAL);
    EQ(sys(read, fd, text, 0), 0);
    EQ(sys(lseek, fd, 1, SEEK_CUR), -EINVAL);
    EQ(sys(pwrite64, fd, "x", 1, (1UL << 63) - 2), 1);
    EQ(size_of(fd), (1UL << 63) - 1);
    EQ(sys(close, fd), 0);
    EQ(sys(unlink, at("holes")), 0);
}

static void clocks(void)
{
    int fd = sys(open, at("t"), O_RDWR | O_CREAT, 0600);
    sys(write, fd, "text", 4);
    EQ(stat_of("t"), 0);
    before = st;
    pause();
    EQ(times("t"), 0);
    EQ(sys(pread64, fd, text, 4, 0), 4);
    EQ(times("t"), 4);                                  // relatime: it was as old as the last write
    EQ(sys(pread64, fd, text, 4, 0), 4);
    EQ(times("t"), 0);
    EQ(sys(write, fd, "more", 4), 4);
    EQ(times("t"), 3);
    EQ(sys(write, fd, "", 0), 0);
    EQ(times("t"), 0);
    EQ(sys(pread64, fd, text, 4, 0), 4);
    EQ(times("t"), 4);
    EQ(sys(ftruncate, fd, 8), 0);                       // the size stays
    EQ(times("t"), 3);
    EQ(sys(truncate, at("t"), 8), 0);
    EQ(times("t"), 3);
    EQ(sys(truncate, at("t"), 7), 0);
    EQ(times("t"), 3);
    EQ(sys(truncate, at("t"), 0), 0);
    EQ(times("t"), 3);
    EQ(sys(truncate, at("t"), 0), 0);                   // the size stays, and there are no pages
    EQ(times("t"), 0);
    EQ(sys(chmod, at("t"), 0644), 0);
    EQ(times("t"), 1);
    EQ(sys(link, "/proc/self/fd/-1", at("t2")), -ENOENT);
    char old[128];
    memcpy(old, at("t"), sizeof old);
    EQ(sys(link, old, at("t2")), 0);
    EQ(times("t"), 1);
    EQ(sys(rename, old, at("t3")), 0);
    EQ(times("t3"), 1);
    EQ(sys(unlink, at("t2")), 0);
    EQ(times("t3"), 1);
    EQ(sys(ftruncate, fd, PAGE), 0);
    EQ(times("t3"), 3);
    volatile char *map = (char *)sys(mmap, 0, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    CHECK((unsigned long)map < -4095UL);
    EQ(times("t3"), 4);
    *map = 'x';
    EQ(times("t3"), 3);                                 // the first access to the page was a write
    *map = 'y';
    EQ(times("t3"), 0);
    EQ(sys(munmap, map, PAGE), 0);
    map = (char *)sys(mmap, 0, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    EQ(times("t3"), 4);
    EQ(*map, 'y');
    *map = 'z';
    EQ(times("t3"), 0);
    EQ(sys(munmap, map, PAGE), 0);
    EQ(sys(stat, base, &before), 0);
    pause();
    EQ(sys(mkdir, at("t4"), 0700), 0);
    EQ(times("."), 3);
    EQ(sys(rmdir, at("t4")), 0);
    EQ(times("."), 3);
    int directory = sys(open, base, O_RDONLY | O_DIRECTORY);
    CHECK(sys(getdents64, directory, text, sizeof text) > 0);
    EQ(times("."), 4);
    sys(close, directory);
    sys(close, fd);
    EQ(sys(unlink, at("t3")), 0);
}

MAIN
{
    number_at(base, "/dev/shm/pyuk-guest-", sys(getpid));
    sys(umask, 022);
    names();
    without_a_name();
    room();
    clocks();
    EQ(sys(rmdir, at("moved/sub")), 0);
    EQ(sys(rmdir, at("moved")), 0);
    EQ(sys(rmdir, base), 0);
    return 0;
}
