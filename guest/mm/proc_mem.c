// /proc/self/mem reads and writes memory whatever its rights, and EIO where nothing is; /proc/self/pagemap says which
// pages are there; /proc/self/smaps counts what is resident.
#include "raw.h"

#define RW (PROT_READ | PROT_WRITE)

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    char text[64];
    char *p = map(0, 8 * PAGE, RW, 0);
    EQ(sys(madvise, p, 8 * PAGE, 15), 0);
    p[0] = 'a';
    p[2 * PAGE] = 'c';
    EQ(sys(mprotect, p + PAGE, PAGE, PROT_NONE), 0);
    EQ(sys(mprotect, p + 2 * PAGE, PAGE, PROT_READ), 0);
    EQ(sys(munmap, p + 4 * PAGE, PAGE), 0);
    int mem = sys(open, "/proc/self/mem", O_RDWR);
    CHECK(mem >= 0);
    EQ(sys(pread64, mem, text, 1, p), 1);
    EQ(text[0], 'a');
    EQ(sys(pread64, mem, text, 2, p + PAGE), 2);
    EQ(text[0], 0);
    EQ(sys(pwrite64, mem, "W", 1, p), 1);
    EQ(p[0], 'W');
    EQ(sys(pwrite64, mem, "R", 1, p + 2 * PAGE), 1);    // read-only, but private
    EQ(p[2 * PAGE], 'R');
    EQ(probe(p + 2 * PAGE), READABLE);
    EQ(sys(pwrite64, mem, "N", 1, p + PAGE), 1);        // PROT_NONE
    EQ(sys(mprotect, p + PAGE, PAGE, PROT_READ), 0);
    EQ(p[PAGE], 'N');
    EQ(sys(pread64, mem, text, 1, p + 4 * PAGE), -EIO);
    EQ(sys(pread64, mem, text, 20, p + 4 * PAGE - 8), 8);
    EQ(sys(pread64, mem, text, 1, 0), -EIO);
    EQ(sys(lseek, mem, p + 2 * PAGE, 0), (long)(p + 2 * PAGE));
    EQ(sys(read, mem, text, 1), 1);
    EQ(text[0], 'R');

    int map_fd = sys(open, "/proc/self/pagemap", O_RDONLY);
    CHECK(map_fd >= 0);
    unsigned long entry[4];
    EQ(sys(pread64, map_fd, entry, 32, (unsigned long)p / PAGE * 8), 32);
    EQ(entry[0] >> 63, 1);
    EQ(entry[2] >> 63, 1);
    EQ(entry[3] >> 63, 1);                              // read through mem
    EQ(entry[0] >> 61 & 1, 0);
    EQ(entry[0] >> 56 & 1, 1);
    EQ(sys(pread64, map_fd, entry, 7, 0), -EINVAL);
    EQ(sys(pread64, map_fd, entry, 8, 4), -EINVAL);
    return 0;
}
