// fork(2): the child has the parent's memory as it was, small and large pages alike; what either writes, unmaps, protects
// or drops afterwards is its own; shared memory stays shared; MADV_DONTFORK leaves a hole, MADV_WIPEONFORK zeros.
#include "raw.h"

#define RW (PROT_READ | PROT_WRITE)
#define LARGE (1UL << 21)

static int child_status(void)
{
    int status = -1;
    CHECK(sys(wait4, -1, &status, 0, 0) > 0);
    return status;
}

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    char *big = map(0, 8 * LARGE, RW, 0), *small = map(0, 64 * PAGE, RW, 0);
    char *shared = (char *)sys(mmap, 0, 4 * PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK((long)big > 0 && (long)small > 0 && (long)shared > 0);
    for (unsigned long i = 0; i < 8 * LARGE; i += 16 * PAGE)
        big[i] = 'p';
    for (int i = 0; i < 64; i++)
        small[i * PAGE] = 'a' + i % 26;
    EQ(sys(madvise, small + 8 * PAGE, PAGE, 10), 0);    // MADV_DONTFORK
    EQ(sys(madvise, small + 9 * PAGE, PAGE, 18), 0);    // MADV_WIPEONFORK
    EQ(sys(mprotect, small + 10 * PAGE, PAGE, PROT_READ), 0);

    for (int round = 0; round < 3; round++) {
        long child = sys(fork);
        CHECK(child >= 0);
        if (!child) {
            for (unsigned long i = 0; i < 8 * LARGE; i += 16 * PAGE)
                EQ(big[i], 'p' + round);
            EQ(small[0], 'a');
            EQ(probe(small + 8 * PAGE), UNMAPPED);
            EQ(small[9 * PAGE], 0);
            EQ(probe(small + 10 * PAGE), READABLE);
            EQ(small[11 * PAGE], 'l');
            big[3 * LARGE + 5] = 'c';                   // a copy of one page
            EQ(big[3 * LARGE + PAGE], 0);
            EQ(sys(munmap, big + 4 * LARGE, LARGE + PAGE), 0);
            EQ(sys(mprotect, small + 20 * PAGE, 4 * PAGE, PROT_READ), 0);
            EQ(sys(madvise, small + 30 * PAGE, 4 * PAGE, 4), 0);
            EQ(small[30 * PAGE], 0);
            int comm = sys(open, "/proc/self/comm", O_RDONLY);
            EQ(sys(pread64, comm, small + 40 * PAGE, 4, 0), 4);     // the kernel writes
            shared[0] = 's' + round;
            long grandchild = sys(fork);
            if (!grandchild) {
                EQ(big[3 * LARGE + 5], 'c');
                big[3 * LARGE + 5] = 'g';
                shared[PAGE] = 'g';
                sys(exit_group, 0);
            }
            EQ(child_status(), 0);
            EQ(big[3 * LARGE + 5], 'c');
            EQ(shared[PAGE], 'g');
            sys(exit_group, 0);
        }
        small[1] = 'w';                                 // while the child may still run
        EQ(child_status(), 0);
        EQ(shared[0], 's' + round);
        EQ(big[3 * LARGE + 5], 0);
        EQ(big[4 * LARGE], 'p' + round);
        EQ(small[30 * PAGE], 'a' + 30 % 26);
        EQ(small[40 * PAGE], 'a' + 40 % 26);
        EQ(probe(small + 20 * PAGE), READABLE | WRITABLE);
        for (unsigned long i = 0; i < 8 * LARGE; i += 16 * PAGE)
            big[i]++;
    }
    return 0;
}
