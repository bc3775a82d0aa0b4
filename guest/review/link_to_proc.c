// proc(5): what a symbolic link leads to below /proc is the caller's own, whichever call follows it.
#include "raw.h"

#include <asm/stat.h>

static char buffer[4096], exe[256];

static int is_program(const char *path)
{
    struct stat found, own;
    EQ(sys(stat, path, &found), 0);
    EQ(sys(stat, exe, &own), 0);
    return found.st_ino == own.st_ino && found.st_dev == own.st_dev;
}

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    EQ(sys(symlink, "/proc/self", "me"), 0);
    EQ(sys(symlink, "me/exe", "program"), 0);
    EQ(sys(mkdir, "below", 0700), 0);
    EQ(sys(symlink, "../me/cwd", "below/here"), 0);
    long n = sys(readlink, "/proc/self/exe", exe, sizeof exe);
    CHECK(n > 0);
    EQ(sys(readlink, "me/exe", buffer, sizeof buffer), n);
    EQ(memcmp(buffer, exe, n), 0);
    CHECK(is_program("me/exe"));
    CHECK(is_program("program"));
    CHECK(is_program("below/here/program"));

    int fd = sys(open, "program", O_RDONLY), real = sys(open, exe, O_RDONLY);
    char own[64], seen[64];
    EQ(sys(pread64, real, own, 64, 1024), 64);
    EQ(sys(pread64, fd, seen, 64, 1024), 64);
    EQ(memcmp(own, seen, 64), 0);
    fd = sys(open, "me/comm", O_RDONLY);
    EQ(sys(read, fd, buffer, sizeof buffer), 13);
    EQ(memcmp(buffer, "link_to_proc\n", 13), 0);

    fd = sys(open, "file", O_RDWR | O_CREAT | O_TRUNC, 0600);
    EQ(sys(write, fd, "hello", 5), 5);
    EQ(sys(truncate, "me/cwd/file", 3), 0);
    EQ(sys(lseek, fd, 0, 2), 3);
    EQ(sys(access, "me/fd/9", 0), -ENOENT);
    EQ(sys(chmod, "me/cwd/file", 0640), 0);
    EQ(sys(unlink, "me/cwd/file"), 0);
    EQ(sys(access, "file", 0), -ENOENT);
    EQ(sys(chdir, "me"), 0);
    EQ(sys(readlink, "exe", buffer, sizeof buffer), n);
    EQ(memcmp(buffer, exe, n), 0);
    return 0;
}
