// inotify(7): which events which call makes, for the directory and for the file itself, in which order.
#include "raw_inotify.h"

#define UTIME_OMIT 0x3ffffffe

static int note;

static void touch(const char *name)
{
    long fd = sys(open, name, O_WRONLY | O_CREAT, 0600);
    sys(close, fd);
}

static char text[5000];

static void files(void)
{
    int dir = sys(inotify_add_watch, note, "dir", IN_ALL_EVENTS), fd, self;
    struct iovec {
        void *base;
        unsigned long length;
    } two[2] = {{text, 10}, {text, 20}};
    EQ(dir, 1);
    fd = sys(open, "dir/a", O_RDWR | O_CREAT, 0644);
    told(note, "create");
    self = sys(inotify_add_watch, note, "dir/a", IN_ALL_EVENTS);
    EQ(self, 2);
    EQ(sys(write, fd, text, 5000), 5000);
    told(note, "write");
    EQ(sys(write, fd, text, 0), 0);
    EQ(sys(pread64, fd, text, 0, 0), 0);
    EQ(sys(read, fd, text, 10), 0);
    told(note, "nothing moved");
    EQ(sys(pread64, fd, text, 10, 0), 10);
    EQ(sys(pwrite64, fd, text, 10, 0), 10);
    told(note, "pread, pwrite");
    EQ(sys(readv, fd, two, 2), 0);
    sys(lseek, fd, 0, SEEK_SET);
    EQ(sys(writev, fd, two, 2), 30);
    told(note, "writev");
    EQ(sys(ftruncate, fd, 100), 0);
    told(note, "ftruncate");
    EQ(sys(truncate, "dir/a", 50), 0);
    told(note, "truncate");
    EQ(sys(fallocate, fd, 0, 0, 200), 0);
    told(note, "fallocate");
    EQ(sys(fchmod, fd, 0600), 0);
    told(note, "fchmod");
    EQ(sys(chmod, "dir/a", 0640), 0);
    told(note, "chmod");
    EQ(sys(fchown, fd, -1, -1), 0);
    told(note, "fchown that changes nothing");
    EQ(sys(chown, "dir/a", -1, -1), 0);
    told(note, "chown");
    struct __kernel_timespec times[2] = {{100, 0}, {200, 0}};
    EQ(sys(utimensat, AT_FDCWD, "dir/a", times, 0), 0);
    told(note, "both times");
    times[0].tv_nsec = UTIME_OMIT;
    EQ(sys(utimensat, AT_FDCWD, "dir/a", times, 0), 0);
    told(note, "one time");
    times[0].tv_nsec = 0, times[1].tv_nsec = UTIME_OMIT;
    EQ(sys(utimensat, AT_FDCWD, "dir/a", times, 0), 0);
    told(note, "the other");
    EQ(sys(utimensat, AT_FDCWD, "dir/a", NULL, 0), 0);
    told(note, "now");
    sys(close, fd);
    told(note, "close");
    fd = sys(open, "dir/a", O_RDONLY);
    sys(close, fd);
    told(note, "open, close");
    fd = sys(open, "dir/a", O_WRONLY | O_TRUNC);
    told(note, "open with O_TRUNC");
    long twin = sys(dup, fd);
    sys(close, fd);
    told(note, "close of one of two descriptors");
    sys(close, twin);
    told(note, "and of the other");
    EQ(sys(open, "dir/a", O_RDWR | O_CREAT | O_EXCL, 0600), -EEXIST);
    EQ(sys(stat, "dir/a", text), 0);
    EQ(sys(access, "dir/a", 4), 0);
    told(note, "nothing to tell");
    EQ(sys(inotify_rm_watch, note, self), 0);
    told(note, "rm_watch");
}

static void names(void)
{
    int other = sys(inotify_add_watch, note, "other", IN_ALL_EVENTS);
    int self = sys(inotify_add_watch, note, "dir/a", IN_ALL_EVENTS);
    print("%d %d\n", (long)other, (long)self);
    EQ(sys(rename, "dir/a", "dir/b"), 0);
    told(note, "rename");
    EQ(sys(rename, "dir/b", "other/a"), 0);
    told(note, "rename to another directory");
    EQ(sys(link, "other/a", "dir/link"), 0);
    told(note, "link");
    EQ(sys(unlink, "dir/link"), 0);
    told(note, "unlink of one of two names");
    EQ(sys(symlink, "x", "dir/symlink"), 0);
    told(note, "symlink");
    EQ(sys(mkdir, "dir/sub", 0755), 0);
    told(note, "mkdir");
    int sub = sys(inotify_add_watch, note, "dir/sub", IN_ALL_EVENTS);
    print("%d\n", (long)sub);
    EQ(sys(rename, "dir/sub", "other/sub"), 0);
    told(note, "rename of a directory");
    int fd = sys(open, "other/sub", O_RDONLY | O_DIRECTORY);
    EQ(sys(getdents64, fd, text, 1000) > 0, 1);
    sys(close, fd);
    told(note, "reading a directory");
    EQ(sys(mknodat, AT_FDCWD, "other/sub/fifo", 010644, 0), 0);
    told(note, "mknod below it");
    EQ(sys(unlink, "other/sub/fifo"), 0);
    told(note, "unlink below it");
    EQ(sys(chmod, "other/sub", 0700), 0);
    told(note, "chmod of a directory");
    EQ(sys(rmdir, "other/sub"), 0);
    told(note, "rmdir");
    touch("dir/c");
    told(note, "another file");
    EQ(sys(rename, "dir/c", "other/a"), 0);
    told(note, "rename over a watched file");
    touch("dir/d");
    EQ(sys(renameat2, AT_FDCWD, "dir/d", AT_FDCWD, "other/a", RENAME_EXCHANGE), 0);
    told(note, "exchange");
    EQ(sys(rename, "dir/d", "dir/d"), 0);
    EQ(sys(rename, "dir/missing", "dir/d"), -ENOENT);
    told(note, "renames of nothing");
}

static void ends(void)
{
    int self = sys(inotify_add_watch, note, "other/a", IN_ALL_EVENTS);
    int fd = sys(open, "other/a", O_RDONLY);
    told(note, "open");
    EQ(sys(unlink, "other/a"), 0);
    told(note, "unlink of an open file");
    sys(close, fd);
    told(note, "its close");
    EQ(sys(inotify_rm_watch, note, self), -EINVAL);
    self = sys(inotify_add_watch, note, "dir/d", IN_ALL_EVENTS);
    print("%d\n", (long)self);
    EQ(sys(unlink, "dir/d"), 0);
    told(note, "unlink");
    EQ(sys(unlink, "dir/symlink"), 0);
    told(note, "unlink of a link");
    EQ(sys(rename, "dir", "moved"), 0);
    told(note, "the directory itself");
    EQ(sys(rmdir, "moved"), 0);
    told(note, "is removed");
}

MAIN
{
    note = sys(inotify_init1, O_NONBLOCK);
    CHECK(note >= 0);
    EQ(sys(mkdir, "dir", 0755), 0);
    EQ(sys(mkdir, "other", 0755), 0);
    files();
    names();
    ends();
    return 0;
}
