// madvise(2): MADV_REMOVE makes a hole in a file and in shared memory, MADV_COLLAPSE makes a 2 MiB page of small ones
// and keeps their bytes, MADV_DONTNEED of the vDSO brings it back.
#include "raw.h"

#define RW (PROT_READ | PROT_WRITE)
#define LARGE (1UL << 21)

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv;
    int fd = sys(open, "file", O_RDWR | O_CREAT | O_TRUNC, 0600);
    EQ(sys(ftruncate, fd, 4 * PAGE), 0);
    char *s = (char *)sys(mmap, 0, 4 * PAGE, RW, MAP_SHARED, fd, 0);
    CHECK((long)s > 0);
    for (int i = 0; i < 4; i++)
        s[i * PAGE] = 'a' + i;
    EQ(sys(madvise, s + PAGE, PAGE, 9), 0);             // MADV_REMOVE
    EQ(s[0], 'a');
    EQ(s[PAGE], 0);
    EQ(s[2 * PAGE], 'c');
    char byte = 1;
    EQ(sys(pread64, fd, &byte, 1, PAGE), 1);
    EQ(byte, 0);
    char *p = (char *)sys(mmap, 0, PAGE, RW, MAP_PRIVATE, fd, 0);
    EQ(sys(madvise, p, PAGE, 9), -EACCES);
    char *a = map(0, PAGE, RW, 0);
    EQ(sys(madvise, a, PAGE, 9), -EINVAL);
    char *m = (char *)sys(mmap, 0, 2 * PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    m[0] = m[PAGE] = 'm';
    EQ(sys(madvise, m, PAGE, 9), 0);
    EQ(m[0], 0);
    EQ(m[PAGE], 'm');

    char *big = map(0, 3 * LARGE, RW, 0), *large = (char *)(((unsigned long)big + LARGE - 1) & -LARGE);
    CHECK((long)big > 0);
    EQ(sys(madvise, big, 3 * LARGE, 15), 0);            // MADV_NOHUGEPAGE
    for (unsigned long i = 0; i < LARGE; i += 64 * PAGE)
        large[i] = 'x';
    EQ(sys(madvise, large, LARGE, 25), -EINVAL);        // MADV_COLLAPSE
    EQ(sys(madvise, big, 3 * LARGE, 14), 0);            // MADV_HUGEPAGE
    long result = sys(madvise, large, LARGE, 25);
    CHECK(result == 0 || result == -ENOMEM || result == -EAGAIN);
    for (unsigned long i = 0; i < LARGE; i += PAGE)
        EQ(large[i], i % (64 * PAGE) ? 0 : 'x');
    large[5] = 'y';
    EQ(sys(madvise, large, PAGE, 25), 0);               // no whole 2 MiB in it
    EQ(sys(madvise, a, PAGE, 25), -EINVAL);

    char *vdso = (char *)auxv_value(envp, 33);          // AT_SYSINFO_EHDR
    CHECK(vdso != 0);
    EQ(sys(madvise, vdso, PAGE, 4), 0);
    EQ(vdso[1], 'E');
    return 0;
}
