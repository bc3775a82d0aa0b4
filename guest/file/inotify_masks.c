// inotify(7): masks, flags, reads of any size, coalescing, limits and errors.
// strace: same
#include "raw_inotify.h"

#include <asm/ioctls.h>
#include <asm/poll.h>

static int note;

static void touch(const char *name)
{
    long fd = sys(open, name, O_WRONLY | O_CREAT, 0600);
    sys(close, fd);
}

static int n_bytes(void)
{
    int n = -1;
    EQ(sys(ioctl, note, FIONREAD, &n), 0);
    return n;
}

static int ready(void)
{
    struct pollfd set = {note, POLLIN | POLLOUT, 0};
    EQ(sys(poll, &set, 1, 0) < 0, 0);
    return set.revents;
}

static void arguments(void)
{
    int file = sys(open, "dir/file", O_RDWR | O_CREAT, 0600), path = sys(open, "dir/file", O_PATH);
    EQ(sys(inotify_init1, 1), -EINVAL);
    EQ(sys(inotify_add_watch, note, "dir", 0), -EINVAL);
    EQ(sys(inotify_add_watch, note, "dir", 0x1000), -EINVAL);
    EQ(sys(inotify_add_watch, -1, "dir", 0), -EINVAL);
    EQ(sys(inotify_add_watch, -1, "dir", IN_OPEN), -EBADF);
    EQ(sys(inotify_add_watch, path, "dir", IN_OPEN), -EBADF);
    EQ(sys(inotify_add_watch, file, "dir", IN_OPEN), -EINVAL);
    EQ(sys(inotify_add_watch, -1, "dir", IN_OPEN | IN_MASK_ADD | IN_MASK_CREATE), -EBADF);
    EQ(sys(inotify_add_watch, note, "dir", IN_OPEN | IN_MASK_ADD | IN_MASK_CREATE), -EINVAL);
    EQ(sys(inotify_add_watch, note, "nowhere", IN_OPEN), -ENOENT);
    EQ(sys(inotify_add_watch, note, "", IN_OPEN), -ENOENT);
    EQ(sys(inotify_add_watch, note, BAD_POINTER, IN_OPEN), -EFAULT);
    EQ(sys(inotify_add_watch, note, "dir/file", IN_OPEN | IN_ONLYDIR), -ENOTDIR);
    EQ(sys(inotify_add_watch, note, "dir/file/x", IN_OPEN), -ENOTDIR);
    EQ(sys(inotify_rm_watch, note, 1), -EINVAL);
    EQ(sys(inotify_rm_watch, -1, 1), -EBADF);
    EQ(sys(inotify_rm_watch, file, 1), -EINVAL);
    EQ(sys(write, note, "x", 1), -EBADF);
    EQ(sys(lseek, note, 10, SEEK_SET), 0);
    EQ(sys(fcntl, note, F_GETFL, 0), O_NONBLOCK);
    EQ(sys(pread64, note, event_space, 100, 0), -ESPIPE);
    sys(close, file);
    sys(close, path);
}

static void masks(void)
{
    int wd = sys(inotify_add_watch, note, "dir", IN_CREATE | IN_MASK_CREATE);
    EQ(sys(inotify_add_watch, note, "dir", IN_DELETE | IN_MASK_CREATE), -EEXIST);
    touch("dir/one");
    EQ(sys(unlink, "dir/one"), 0);
    told(note, "creation only");
    EQ(sys(inotify_add_watch, note, "dir", IN_DELETE | IN_MASK_ADD), wd);
    touch("dir/one");
    EQ(sys(unlink, "dir/one"), 0);
    told(note, "deletion too");
    EQ(sys(inotify_add_watch, note, "./dir/", IN_DELETE), wd);
    touch("dir/one");
    EQ(sys(unlink, "dir/one"), 0);
    told(note, "deletion only");
    EQ(sys(inotify_rm_watch, note, wd), 0);
    told(note, "no watch");
    int next = sys(inotify_add_watch, note, "dir", IN_OPEN | IN_ONESHOT);
    print("%d after %d\n", (long)next, (long)wd);
    touch("dir/file");
    touch("dir/file");
    told(note, "one shot");
    EQ(sys(inotify_rm_watch, note, next), -EINVAL);
    EQ(sys(symlink, "file", "dir/symlink"), 0);
    wd = sys(inotify_add_watch, note, "dir/symlink", IN_ALL_EVENTS | IN_DONT_FOLLOW);
    next = sys(inotify_add_watch, note, "dir/symlink", IN_ALL_EVENTS);
    print("link %d file %d\n", (long)wd, (long)next);
    touch("dir/symlink");
    told(note, "a link and its target");
    EQ(sys(unlink, "dir/symlink"), 0);
    told(note, "the end of the link");
    EQ(sys(inotify_rm_watch, note, next), 0);
    next = sys(inotify_add_watch, note, "dir", IN_ALL_EVENTS | IN_EXCL_UNLINK);
    int fd = sys(open, "dir/file", O_RDWR);
    EQ(sys(unlink, "dir/file"), 0);
    EQ(sys(write, fd, "x", 1), 1);
    sys(close, fd);
    told(note, "no news of what has no name");
    EQ(sys(inotify_rm_watch, note, next), 0);
    told(note, "end");
}

static void reading(void)
{
    char c[300];
    int wd = sys(inotify_add_watch, note, "dir", IN_CREATE | IN_DELETE);
    EQ(ready(), 0);
    EQ(n_bytes(), 0);
    touch("dir/a");
    touch("dir/a-name-of-20-letters");
    EQ(ready(), POLLIN);
    EQ(n_bytes(), 32 + 48);
    EQ(sys(read, note, c, 31), -EINVAL);
    EQ(sys(read, note, c, 0), -EINVAL);
    EQ(sys(read, note, BAD_POINTER, 10), -EINVAL);
    EQ(n_bytes(), 80);
    EQ(sys(read, note, c, 79), 32);
    EQ(n_bytes(), 48);
    EQ(sys(read, note, c, 300), 48);
    EQ(sys(read, note, c, 300), -EAGAIN);
    EQ(sys(read, note, c, 0), -EAGAIN);
    EQ(sys(unlink, "dir/a"), 0);
    EQ(sys(read, note, BAD_POINTER, 100), -EFAULT);
    EQ(n_bytes(), 0); // it is gone
    EQ(sys(unlink, "dir/a-name-of-20-letters"), 0);
    EQ(sys(inotify_rm_watch, note, wd), 0);
    told(note, "rest");
    int n = -1;
    EQ(sys(ioctl, note, FIGETBSZ, &n), 0);
    EQ(sys(ioctl, note, TCGETS, c), -ENOTTY);
}

static void together(void)
{
    int wd = sys(inotify_add_watch, note, "dir", IN_MODIFY | IN_ATTRIB);
    int fd = sys(open, "dir/b", O_RDWR | O_CREAT, 0600);
    for (int i = 0; i < 10; i++)
        EQ(sys(write, fd, "x", 1), 1);
    told(note, "ten writes are one event");
    EQ(sys(write, fd, "x", 1), 1);
    EQ(sys(fchmod, fd, 0600), 0);
    EQ(sys(write, fd, "x", 1), 1);
    told(note, "with another between them");
    sys(close, fd);
    EQ(sys(inotify_rm_watch, note, wd), 0);
    told(note, "end");
}

MAIN
{
    note = sys(inotify_init1, O_NONBLOCK);
    EQ(sys(mkdir, "dir", 0755), 0);
    arguments();
    masks();
    reading();
    together();
    return 0;
}
