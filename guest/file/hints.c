// Hints, flushing and allocation: readahead(2), posix_fadvise(2), sync_file_range(2), syncfs(2), fsync(2), fallocate(2), futimesat(2).
// strace: same
#include "raw_file.h"

#include <linux/falloc.h>

#define HUGE 0x7fffffffffffffff

static char page[4096];

static void allocation(int fd, int reader, int *ends, int directory, int path)
{
    EQ(sys(fallocate, fd, 0, 0, 10000), 0);
    EQ(size_of(fd), 10000);
    EQ(sys(fallocate, fd, FALLOC_FL_KEEP_SIZE, 0, 20000), 0);
    EQ(size_of(fd), 10000);
    EQ(sys(fallocate, fd, 0, -1, 1), -EINVAL);
    EQ(sys(fallocate, fd, 0, 0, 0), -EINVAL);
    EQ(sys(fallocate, fd, 0, 0, -1), -EINVAL);
    EQ(sys(fallocate, -1, 0, 0, 0), -EBADF);
    EQ(sys(fallocate, fd, 0x100, 0, 1), -EOPNOTSUPP);
    EQ(sys(fallocate, fd, 0x100, 0, 0), -EINVAL);
    EQ(sys(fallocate, fd, 4, 0, 1), -EOPNOTSUPP);
    EQ(sys(fallocate, fd, FALLOC_FL_PUNCH_HOLE, 0, 1), -EOPNOTSUPP);
    EQ(sys(fallocate, reader, 0x100, 0, 1), -EOPNOTSUPP);
    EQ(sys(fallocate, reader, 0, 0, 1), -EBADF);
    EQ(sys(fallocate, path, 0, 0, 1), -EBADF);
    EQ(sys(fallocate, ends[1], 0, 0, 1), -ESPIPE);
    EQ(sys(fallocate, ends[0], 0, 0, 1), -EBADF);
    EQ(sys(fallocate, directory, 0, 0, 1), -EBADF);
    EQ(sys(fallocate, fd, 0, HUGE, 1), -EFBIG);
    EQ(sys(fallocate, fd, 0, HUGE, HUGE), -EFBIG);
    int event = sys(eventfd2, 0, 0), null = sys(open, "/dev/null", O_RDWR);
    EQ(sys(fallocate, event, 0, 0, 1), -ENODEV);
    EQ(sys(fallocate, null, 0, 0, 1), -ENODEV);
    sys(close, event);
    sys(close, null);
    EQ(sys(pwrite64, fd, page, 4096, 0), 4096);
    page[0] = 0;
    EQ(sys(fallocate, fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096), 0);
    EQ(sys(pread64, fd, page, 1, 0), 1);
    EQ(page[0], 0);
}

static void flushing(int fd, int reader, int *ends, int directory, int path)
{
    EQ(sys(fsync, fd), 0);
    EQ(sys(fdatasync, reader), 0);
    EQ(sys(fsync, directory), 0);
    EQ(sys(fsync, ends[0]), -EINVAL);
    EQ(sys(fsync, path), -EBADF);
    EQ(sys(fsync, -1), -EBADF);
    EQ(sys(syncfs, reader), 0);
    EQ(sys(syncfs, ends[0]), 0);
    EQ(sys(syncfs, -1), -EBADF);
    EQ(sys(syncfs, path), -EBADF);
    EQ(sys(sync_file_range, fd, 0, 4096, 7), 0);
    EQ(sys(sync_file_range, fd, 0, 0, 0), 0);
    EQ(sys(sync_file_range, fd, 0, 0, 8), -EINVAL);
    EQ(sys(sync_file_range, fd, -1, 0, 2), -EINVAL);
    EQ(sys(sync_file_range, fd, 0, -1, 2), -EINVAL);
    EQ(sys(sync_file_range, fd, HUGE, 1, 2), -EINVAL);
    EQ(sys(sync_file_range, -1, 0, 0, 8), -EBADF);
    EQ(sys(sync_file_range, ends[0], 0, 0, 2), -ESPIPE);
    EQ(sys(sync_file_range, ends[0], -1, 0, 2), -EINVAL);
    EQ(sys(sync_file_range, path, 0, 0, 2), -EBADF);
    int null = sys(open, "/dev/null", O_RDWR);
    EQ(sys(sync_file_range, null, 0, 0, 2), -ESPIPE);
    EQ(sys(syncfs, null), 0);
    sys(close, null);
}

static void hints(int fd, int reader, int *ends, int directory, int path)
{
    int writer = sys(open, "file", O_WRONLY), null = sys(open, "/dev/null", O_RDWR);
    EQ(sys(readahead, reader, 0, 4096), 0);
    EQ(sys(readahead, reader, 100000, 4096), 0);
    EQ(sys(readahead, writer, 0, 4096), -EBADF);
    EQ(sys(readahead, ends[0], 0, 4096), -EINVAL);
    EQ(sys(readahead, directory, 0, 4096), -EINVAL);
    EQ(sys(readahead, null, 0, 4096), -EINVAL);
    EQ(sys(readahead, path, 0, 4096), -EBADF);
    EQ(sys(readahead, -1, 0, 4096), -EBADF);
    for (int advice = 0; advice < 6; advice++)
        EQ(sys(fadvise64, fd, 0, 0, advice), 0);
    EQ(sys(fadvise64, fd, 0, 0, 6), -EINVAL);
    EQ(sys(fadvise64, fd, 0, -1, 0), -EINVAL);
    EQ(sys(fadvise64, fd, -1, 0, 0), 0);
    EQ(sys(fadvise64, ends[0], 0, -1, 7), -ESPIPE);
    EQ(sys(fadvise64, path, 0, 0, 0), -EBADF);
    EQ(sys(fadvise64, directory, 0, 0, 0), 0);
    EQ(sys(fadvise64, null, 0, 0, 6), -EINVAL);
    sys(close, writer);
    sys(close, null);
}

static void old_times(int fd)
{
    struct timeval {
        long seconds, microseconds;
    } times[2] = {{1000, 5}, {2000, 999999}};
    struct stat {
        unsigned long before[9], atime, atime_ns, mtime, mtime_ns, after[5];
    } found;
    EQ(sys(futimesat, AT_FDCWD, "file", times), 0);
    EQ(sys(fstat, fd, &found), 0);
    EQ(found.atime, 1000);
    EQ(found.atime_ns, 5000);
    EQ(found.mtime, 2000);
    EQ(found.mtime_ns, 999999000);
    times[0].seconds = 77;
    EQ(sys(futimesat, fd, NULL, times), 0); // of the descriptor itself
    EQ(sys(fstat, fd, &found), 0);
    EQ(found.atime, 77);
    EQ(sys(futimesat, AT_FDCWD, NULL, times), -EFAULT);
    EQ(sys(futimesat, -1, "file", times), -EBADF);
    EQ(sys(futimesat, AT_FDCWD, "nowhere", times), -ENOENT);
    EQ(sys(futimesat, AT_FDCWD, "file", NULL), 0);
    EQ(sys(futimesat, AT_FDCWD, "file", BAD_POINTER), -EFAULT);
    times[1].microseconds = 1000000;
    EQ(sys(futimesat, AT_FDCWD, "nowhere", times), -EINVAL);
}

MAIN
{
    int fd = new_file("file"), reader = sys(open, "file", O_RDONLY), ends[2];
    int directory = sys(open, ".", O_RDONLY), path = sys(open, "file", O_PATH);
    EQ(sys(pipe2, ends, 0), 0);
    allocation(fd, reader, ends, directory, path);
    flushing(fd, reader, ends, directory, path);
    hints(fd, reader, ends, directory, path);
    old_times(fd);
    return 0;
}
