// Files of a tmpfs as memory: shared mappings are the file, private ones their own from the first write on; a mapping
// outlives descriptor and name; what lies behind the end is SIGBUS; a program runs from there, and cannot be written
// meanwhile; a FIFO and a directory are none (mmap(2), execve(2)).
#include "raw_file.h"

#include "raw_signal.h"

#include <asm/stat.h>

#define RW (PROT_READ | PROT_WRITE)

static char path[64] = "/dev/shm/pyuk-mapped-", text[16];

static char *map_file(int fd, int prot, int flags, long n_pages)
{
    return (char *)sys(mmap, 0, n_pages * PAGE, prot, flags, fd, 0);
}

static void dies_at(volatile char *p)
{
    int status = 0;
    long pid = IN_CHILD(*p);
    EQ(sys(wait4, pid, &status, 0, 0), pid);
    EQ(status & 0x7f, 7);                               // SIGBUS
}

static void memory(void)
{
    int fd = sys(open, path, O_RDWR | O_CREAT | O_EXCL, 0600);
    CHECK(fd >= 0);
    EQ(sys(write, fd, "hello", 5), 5);
    EQ(sys(ftruncate, fd, 2 * PAGE), 0);
    char *shared = map_file(fd, RW, MAP_SHARED, 3), *own = map_file(fd, RW, MAP_PRIVATE, 2);
    int other = sys(open, path, O_RDONLY);
    char *seen = map_file(other, PROT_READ, MAP_SHARED, 2);
    EQ(map_file(other, RW, MAP_SHARED, 1), (char *)-EACCES);
    CHECK((unsigned long)shared < -4095UL && (unsigned long)own < -4095UL && (unsigned long)seen < -4095UL);
    EQ(memcmp(seen, "hello", 5), 0);
    shared[0] = 'J';
    EQ(seen[0], 'J');
    EQ(own[0], 'J');
    own[0] = 'o';
    EQ(seen[0], 'J');
    EQ(sys(pread64, other, text, 5, 0), 5);
    EQ(memcmp(text, "Jello", 5), 0);
    EQ(sys(pwrite64, fd, "world", 5, PAGE - 2), 5);
    EQ(memcmp(seen + PAGE - 2, "world", 5), 0);
    shared[PAGE + 100] = 'z';                           // a page that was a hole
    struct stat st;
    EQ(sys(fstat, fd, &st), 0);
    EQ(st.st_blocks, 16);
    EQ(sys(pread64, fd, text, 1, PAGE + 100), 1);
    EQ(text[0], 'z');
    dies_at(shared + 2 * PAGE);

    long pid = IN_CHILD(shared[1] = 'c'; own[1] = 'c');
    EQ(sys(wait4, pid, 0, 0, 0), pid);
    EQ(seen[1], 'c');
    EQ(own[1], 'e');

    EQ(sys(unlink, path), 0);
    EQ(sys(close, fd), 0);
    EQ(sys(ftruncate, other, 0), -EINVAL);
    EQ(sys(close, other), 0);
    EQ(seen[1], 'c');
    shared[2] = 'd';
    EQ(seen[2], 'd');

    fd = sys(open, path, O_RDWR | O_CREAT | O_EXCL, 0600);
    EQ(sys(ftruncate, fd, 2 * PAGE), 0);
    char *cut = map_file(fd, RW, MAP_SHARED, 2);
    cut[0] = cut[PAGE] = 'x';
    EQ(sys(ftruncate, fd, 1), 0);
    EQ(cut[0], 'x');
    dies_at(cut + PAGE);
    EQ(sys(close, fd), 0);
    EQ(sys(unlink, path), 0);

    EQ(sys(mknod, path, 0010600, 0), 0);
    fd = sys(open, path, O_RDWR);
    CHECK(fd >= 0);
    EQ(map_file(fd, PROT_READ, MAP_SHARED, 1), (char *)-ENODEV);
    sys(close, fd);
    EQ(sys(unlink, path), 0);
}

static void program(char **argv, char **envp)
{
    int from = sys(open, "/proc/self/exe", O_RDONLY), to = sys(open, path, O_WRONLY | O_CREAT | O_EXCL, 0755);
    CHECK(from >= 0 && to >= 0);
    static char buffer[4 * PAGE];
    for (long n; (n = sys(read, from, buffer, sizeof buffer)) > 0;)
        EQ(sys(write, to, buffer, n), n);
    EQ(sys(close, to), 0);
    int status = 0;
    char *arguments[] = {argv[0], "again", path, 0};
    long pid = IN_CHILD(sys(execve, path, arguments, envp));
    EQ(sys(wait4, pid, &status, 0, 0), pid);
    EQ(status, 0);
    EQ(sys(chmod, path, 0644), 0);
    EQ(sys(execve, path, arguments, envp), -EACCES);
    to = sys(open, path, O_WRONLY);
    CHECK(to >= 0);
    sys(close, to);
    EQ(sys(unlink, path), 0);
}

int main(int argc, char **argv, char **envp)
{
    if (argc == 3) {
        EQ(sys(open, argv[2], O_WRONLY), -ETXTBSY);
        EQ(sys(truncate, argv[2], 0), -ETXTBSY);
        char link[64];
        long n = sys(readlink, "/proc/self/exe", link, sizeof link);
        EQ(n, (long)strlen(argv[2]));
        EQ(memcmp(link, argv[2], n), 0);
        return 0;
    }
    char digits[32], *start = print_number(digits + 31, sys(getpid), 10);
    digits[31] = 0;
    memcpy(path + strlen(path), start, strlen(start) + 1);
    memory();
    program(argv, envp);
    return 0;
}
