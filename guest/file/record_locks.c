// POSIX record locks belong to a process and to an inode: ranges, conflicts, whom F_GETLK names, what closes and forks do (fcntl(2)).
#include "raw_file.h"

#define READER 1000000
#define WRITER 2000000

static struct flock range(int type, long start, long length)
{
    return (struct flock){.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = length, .l_pid = 77};
}

static long lock(int fd, int type, long start, long length)
{
    struct flock wish = range(type, start, length);
    return sys(fcntl, fd, F_SETLK, &wish);
}

// Who holds [start, start + length) against a lock of that type: the answer's fields in one number, 0 for nobody
static long holder(int fd, int type, long start, long length, long *pid)
{
    struct flock wish = range(type, start, length);
    long got = sys(fcntl, fd, F_GETLK, &wish);
    if (got)
        return got;
    *pid = wish.l_pid;
    if (wish.l_type == F_UNLCK)
        return wish.l_start == start && wish.l_len == length && wish.l_pid == 77 ? 0 : -1000;
    return (wish.l_type + 1) * 1000000 + wish.l_start * 1000 + wish.l_len;
}

static long seen_by_child(int fd, int type, long start, long length)
{
    long *answer = shared(PAGE), me = self();
    long child = IN_CHILD({
        answer[0] = holder(fd, type, start, length, &answer[1]);
        answer[2] = lock(fd, type, start, length);
        answer[3] = self();
    });
    wait_status(child);
    CHECK(answer[0] == 0 || answer[1] == me);
    CHECK((answer[0] == 0) == (answer[2] == 0));
    CHECK(answer[2] == 0 || answer[2] == -EAGAIN);
    return answer[0];
}

static void ranges(int fd)
{
    EQ(lock(fd, F_WRLCK, 10, 10), 0);
    EQ(seen_by_child(fd, F_RDLCK, 0, 100), WRITER + 10000 + 10);
    EQ(seen_by_child(fd, F_WRLCK, 0, 10), 0);
    EQ(seen_by_child(fd, F_WRLCK, 20, 1), 0);
    EQ(seen_by_child(fd, F_WRLCK, 19, 1), WRITER + 10000 + 10);
    EQ(lock(fd, F_WRLCK, 20, 5), 0); // neighbours become one
    EQ(seen_by_child(fd, F_RDLCK, 22, 1), WRITER + 10000 + 15);
    EQ(lock(fd, F_UNLCK, 14, 2), 0); // a hole makes two
    EQ(seen_by_child(fd, F_RDLCK, 0, 0), WRITER + 10000 + 4);
    EQ(seen_by_child(fd, F_RDLCK, 14, 2), 0);
    EQ(seen_by_child(fd, F_RDLCK, 15, 0), WRITER + 16000 + 9);
    EQ(lock(fd, F_RDLCK, 18, 2), 0); // another type in the middle makes three
    EQ(seen_by_child(fd, F_RDLCK, 17, 2), WRITER + 16000 + 2);
    EQ(seen_by_child(fd, F_RDLCK, 18, 2), 0);
    EQ(seen_by_child(fd, F_WRLCK, 18, 2), READER + 18000 + 2);
    EQ(lock(fd, F_RDLCK, 0, 0), 0); // to the end of all files: l_len 0
    EQ(seen_by_child(fd, F_RDLCK, 5, 5), 0);
    EQ(seen_by_child(fd, F_WRLCK, 500, 5), READER);
    EQ(lock(fd, F_UNLCK, 0, 0), 0);
}

static void to_the_end(int fd)
{
    long *answer = shared(PAGE);
    EQ(lock(fd, F_WRLCK, 100, 0), 0);
    wait_status(IN_CHILD(answer[0] = holder(fd, F_RDLCK, 0x7ffffffffffffffe, 1, &answer[1])));
    EQ(answer[0], WRITER + 100000);
    EQ(lock(fd, F_UNLCK, 0, 0), 0);
    EQ(lock(fd, F_WRLCK, 0x7ffffffffffffffe, 2), 0);
    EQ(lock(fd, F_WRLCK, 0x7ffffffffffffffe, 3), -EOVERFLOW);
    EQ(lock(fd, F_UNLCK, 0, 0), 0);
}

static void places(int fd)
{
    struct flock wish = {.l_type = F_WRLCK, .l_whence = SEEK_CUR, .l_start = -5, .l_len = 5};
    EQ(sys(pwrite64, fd, "0123456789", 10, 0), 10);
    sys(lseek, fd, 6, SEEK_SET);
    EQ(sys(fcntl, fd, F_SETLK, &wish), 0);
    EQ(seen_by_child(fd, F_RDLCK, 0, 0), WRITER + 1000 + 5);
    wish = (struct flock){.l_type = F_UNLCK, .l_whence = SEEK_END, .l_start = 0, .l_len = -10}; // the 10 bytes before
    EQ(sys(fcntl, fd, F_SETLK, &wish), 0);
    EQ(seen_by_child(fd, F_RDLCK, 0, 0), 0);
    wish = (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_END, .l_start = 0, .l_len = -11};
    EQ(sys(fcntl, fd, F_SETLK, &wish), -EINVAL);
    wish = (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = -1, .l_len = 1};
    EQ(sys(fcntl, fd, F_SETLK, &wish), -EINVAL);
    wish = (struct flock){.l_type = F_WRLCK, .l_whence = 3, .l_start = 0, .l_len = 1};
    EQ(sys(fcntl, fd, F_SETLK, &wish), -EINVAL);
    wish = (struct flock){.l_type = 3, .l_whence = SEEK_SET};
    EQ(sys(fcntl, fd, F_SETLK, &wish), -EINVAL);
    EQ(sys(fcntl, fd, F_GETLK, &wish), -EINVAL);
    wish = (struct flock){.l_type = F_UNLCK, .l_whence = SEEK_SET};
    EQ(sys(fcntl, fd, F_GETLK, &wish), -EINVAL);
    wish = (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_CUR, .l_start = 0x7fffffffffffffff};
    EQ(sys(fcntl, fd, F_SETLK, &wish), -EOVERFLOW);
    EQ(sys(fcntl, fd, F_SETLK, BAD_POINTER), -EFAULT);
    EQ(sys(fcntl, fd, F_GETLK, NULL), -EFAULT);
    EQ(sys(fcntl, -1, F_SETLK, BAD_POINTER), -EBADF);
}

static void access_modes(void)
{
    int reader = sys(open, "locked", O_RDONLY), writer = sys(open, "locked", O_WRONLY);
    int path = sys(open, "locked", O_PATH);
    struct flock wish = range(F_WRLCK, 0, 1);
    EQ(lock(reader, F_WRLCK, 0, 1), -EBADF);
    EQ(lock(reader, F_RDLCK, 0, 1), 0);
    EQ(lock(writer, F_RDLCK, 0, 1), -EBADF);
    EQ(lock(writer, F_WRLCK, 0, 1), 0); // the same process: an upgrade
    EQ(lock(reader, F_UNLCK, 0, 1), 0);
    EQ(sys(fcntl, reader, F_GETLK, &wish), 0); // to ask needs no right
    EQ(lock(path, F_RDLCK, 0, 1), -EBADF);
    sys(close, reader);
    sys(close, writer);
    sys(close, path);
}

static void ends(int fd)
{
    int other = sys(open, "locked", O_RDONLY), twin = sys(dup, fd), path = sys(open, "locked", O_PATH);
    EQ(lock(fd, F_WRLCK, 0, 1), 0);
    EQ(lock(other, F_RDLCK, 0, 1), 0); // two open files of one process do not mind each other
    EQ(lock(fd, F_WRLCK, 0, 1), 0);
    sys(close, path);
    EQ(seen_by_child(fd, F_RDLCK, 0, 1), WRITER + 1);
    sys(close, other); // any close of the file gives up all
    EQ(seen_by_child(fd, F_RDLCK, 0, 1), 0);
    EQ(lock(fd, F_WRLCK, 0, 1), 0);
    sys(close, twin);
    EQ(seen_by_child(fd, F_RDLCK, 0, 1), 0);
    other = sys(open, "other", O_RDWR | O_CREAT, 0600);
    twin = sys(open, "locked", O_RDWR);
    EQ(lock(fd, F_WRLCK, 0, 1), 0);
    sys(dup2, other, twin); // closes it too
    EQ(seen_by_child(fd, F_RDLCK, 0, 1), 0);
    sys(close, twin);

    long *answer = shared(PAGE), child;
    EQ(lock(fd, F_WRLCK, 0, 1), 0);
    child = IN_CHILD({ sys(close, fd); }); // a child has none of its parent's locks to give up
    wait_status(child);
    EQ(seen_by_child(fd, F_RDLCK, 0, 1), WRITER + 1);
    EQ(lock(fd, F_UNLCK, 0, 1), 0);
    child = IN_CHILD({
        answer[0] = lock(fd, F_WRLCK, 5, 1);
        futex((int *)&answer[1], FUTEX_WAIT, 0, NULL, NULL, 0);
    });
    while (lock(fd, F_WRLCK, 5, 1) == 0) {
        lock(fd, F_UNLCK, 5, 1);
        nap(1);
    }
    EQ(lock(fd, F_WRLCK, 5, 1), -EAGAIN);
    EQ(holder(fd, F_RDLCK, 0, 0, &answer[2]), WRITER + 5000 + 1);
    EQ(answer[2], child);
    sys(kill, child, SIGKILL); // its end gives up all
    wait_status(child);
    EQ(lock(fd, F_WRLCK, 5, 1), 0);
    EQ(lock(fd, F_UNLCK, 5, 1), 0);
}

static void *other_kinds(void)
{
    int ends[2];
    EQ(sys(pipe2, ends, 0), 0);
    EQ(lock(ends[0], F_RDLCK, 0, 1), 0);
    EQ(lock(ends[0], F_WRLCK, 0, 1), -EBADF);
    EQ(seen_by_child(ends[1], F_WRLCK, 0, 1), READER + 1);
    int memory = sys(memfd_create, "m", 0), directory = sys(open, ".", O_RDONLY);
    EQ(lock(memory, F_WRLCK, 3, 1), 0);
    EQ(seen_by_child(memory, F_RDLCK, 0, 0), WRITER + 3000 + 1);
    EQ(lock(directory, F_RDLCK, 3, 1), 0);
    EQ(seen_by_child(directory, F_RDLCK, 0, 0), 0);
    return NULL;
}

MAIN
{
    int fd = new_file("locked");
    ranges(fd);
    to_the_end(fd);
    places(fd);
    access_modes();
    ends(fd);
    other_kinds();
    return 0;
}
