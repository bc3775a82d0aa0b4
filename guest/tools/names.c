// Does what its arguments say, one line of output for each: for tests that look at a view from the inside.
//   read PATH | write PATH TEXT | list PATH | stat PATH | make PATH | remove PATH | link OLD NEW | rename OLD NEW |
//   symlink TARGET PATH | target PATH | enter PATH | root PATH | keep PATH (as descriptor 9) | return (to it) |
//   cwd | mknod PATH (/dev/zero) | run PATH
// A line is the text, or the errno's number with a minus.
#include "raw.h"
#include <asm/stat.h>

static char room[65536];

static void say(long result, const char *text)
{
    if (result < 0)
        print("%d\n", result);
    else
        print("%s\n", text);
}

static void read_file(const char *path)
{
    long fd = sys(open, path, O_RDONLY), n = fd;
    if (fd >= 0) {
        n = sys(read, fd, room, sizeof room - 1);
        sys(close, fd);
    }
    room[n < 0 ? 0 : n] = 0;
    for (char *c = room; *c; c++)
        if (*c == '\n')
            *c = ' ';
    say(n, room);
}

static void list(const char *path)
{
    long fd = sys(open, path, O_RDONLY | O_DIRECTORY), n;
    if (fd < 0)
        return say(fd, "");
    while ((n = sys(getdents64, fd, room, sizeof room)) > 0)
        for (char *entry = room; entry < room + n; entry += *(unsigned short *)(entry + 16))
            print("%s ", entry + 19);
    say(n, "");
    sys(close, fd);
}

int main(int argc, char **argv, char **envp)
{
    for (int i = 1; i < argc; i++) {
        const char *what = argv[i], *path = i + 1 < argc ? argv[i + 1] : "", *other = i + 2 < argc ? argv[i + 2] : "";
        long result = 0;
        if (!strcmp(what, "cwd"))
            result = sys(getcwd, room, sizeof room), say(result, room);
        else if (!strcmp(what, "return"))
            say(sys(fchdir, 9), "ok");
        else {
            i++;
            if (!strcmp(what, "read"))
                read_file(path);
            else if (!strcmp(what, "list"))
                list(path);
            else if (!strcmp(what, "stat")) {
                struct stat found;
                result = sys(stat, path, &found);
                if (result < 0)
                    say(result, "");
                else
                    print("%o %u:%u\n", (long)found.st_mode, found.st_dev, found.st_ino);
            } else if (!strcmp(what, "target")) {
                result = sys(readlink, path, room, sizeof room - 1);
                room[result < 0 ? 0 : result] = 0;
                say(result, room);
            } else if (!strcmp(what, "write")) {
                long fd = sys(open, path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
                say(fd < 0 ? fd : sys(write, fd, other, strlen(other)), "ok"), i++;
                sys(close, fd);
            } else if (!strcmp(what, "keep")) {
                result = sys(open, path, O_RDONLY | O_DIRECTORY);
                say(result < 0 ? result : sys(dup2, result, 9), "ok");
            } else if (!strcmp(what, "run"))
                say(sys(execve, path, ((char *[]){(char *)path, 0}), envp), "");
            else if (!strcmp(what, "make"))
                say(sys(mkdir, path, 0755), "ok");
            else if (!strcmp(what, "remove"))
                result = sys(unlink, path), say(result == -EISDIR ? sys(rmdir, path) : result, "ok");
            else if (!strcmp(what, "enter"))
                say(sys(chdir, path), "ok");
            else if (!strcmp(what, "root"))
                say(sys(chroot, path), "ok");
            else if (!strcmp(what, "mknod"))
                say(sys(mknod, path, 020666, 0x105), "ok");
            else if (!strcmp(what, "link"))
                say(sys(link, path, other), "ok"), i++;
            else if (!strcmp(what, "rename"))
                say(sys(rename, path, other), "ok"), i++;
            else if (!strcmp(what, "symlink"))
                say(sys(symlink, path, other), "ok"), i++;
            else
                return 1;
        }
    }
    return 0;
}
