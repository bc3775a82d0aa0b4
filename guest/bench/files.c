// File calls, one kind at a time, in the working directory's file system and on devices: files KIND COUNT prints
// "KIND done". write1: a byte to /dev/null. pread4k, lseek, fstat: of a regular file. read64k: from /dev/zero.
// open: open, fstat and close. pipe64k: 64 KiB through a pipe, from a child to its
// parent. copy1m: 1 MiB from /dev/zero to /dev/null, as dd does.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char block[1 << 16];

static int opened(const char *path, int flags)
{
    int fd = open(path, flags);
    if (fd < 0)
        exit(1);
    return fd;
}

static long copy(long count)
{
    static char large[1 << 20];
    int from = opened("/dev/zero", O_RDONLY), to = opened("/dev/null", O_WRONLY);
    long n = 0;
    for (long i = 0; i < count; i++)
        n += read(from, large, sizeof large) == sizeof large && write(to, large, sizeof large) == sizeof large;
    return n;
}

static void pipes(long count)
{
    int ends[2];
    if (pipe(ends))
        exit(1);
    pid_t child = fork();
    if (!child) {
        for (long i = 0; i < count; i++)
            for (long done = 0; done < (long)sizeof block;)
                done += write(ends[1], block + done, sizeof block - done);
        _exit(0);
    }
    close(ends[1]);
    long total = 0, got;
    while ((got = read(ends[0], block, sizeof block)) > 0)
        total += got;
    int status;
    if (total != count * (long)sizeof block || waitpid(child, &status, 0) != child || status)
        exit(2);
}

int main(int argc, char **argv)
{
    const char *kind = argc > 1 ? argv[1] : "", *self = argv[0];
    long count = argc > 2 ? atol(argv[2]) : 1, n = 0;
    struct stat status;
    if (!strcmp(kind, "write1")) {
        int fd = opened("/dev/null", O_WRONLY);
        for (long i = 0; i < count; i++)
            n += write(fd, block, 1);
    } else if (!strcmp(kind, "pread4k")) {
        int fd = opened(self, O_RDONLY);
        for (long i = 0; i < count; i++)
            n += pread(fd, block, 4096, 4096) == 4096;
    } else if (!strcmp(kind, "lseek")) {
        int fd = opened(self, O_RDONLY);
        for (long i = 0; i < count; i++)
            n += lseek(fd, 1, SEEK_SET);
    } else if (!strcmp(kind, "fstat")) {
        int fd = opened(self, O_RDONLY);
        for (long i = 0; i < count; i++)
            n += fstat(fd, &status) == 0;
    } else if (!strcmp(kind, "read64k")) {
        int fd = opened("/dev/zero", O_RDONLY);
        for (long i = 0; i < count; i++)
            n += read(fd, block, sizeof block) == sizeof block;
    } else if (!strcmp(kind, "open")) {
        for (long i = 0; i < count; i++) {
            int fd = opened(self, O_RDONLY);
            n += fstat(fd, &status) == 0;
            close(fd);
        }
    } else if (!strcmp(kind, "pipe64k")) {
        pipes(count);
        n = count;
    } else if (!strcmp(kind, "copy1m")) {
        n = copy(count);
    }
    if (n != count)
        return 3;
    printf("%s done\n", kind);
    return 0;
}
