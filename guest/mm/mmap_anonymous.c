// Anonymous memory is zero, private, rounded up to pages, at a free place: a hint that is free is taken (rounded
// down to a page), one that is not is ignored, MAP_FIXED replaces what was there and only that. mmap(2).
#include "raw.h"

#define RW (PROT_READ | PROT_WRITE)

static unsigned char *const hint = (void *)0x10000000;

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    unsigned char *p = map(NULL, 3 * PAGE - 10, RW, 0);
    CHECK((long)p > 0);
    EQ((long)p % PAGE, 0);
    for (unsigned i = 0; i < 3 * PAGE; i++)
        EQ(p[i], 0);
    p[3 * PAGE - 1] = 7;                                // the rounding is there
    EQ(probe(p + 3 * PAGE - 1), READABLE | WRITABLE);

    EQ(map(hint, PAGE, RW, 0), hint);                   // a free hint
    EQ(map(hint + 4 * PAGE + 123, PAGE, RW, 0), hint + 4 * PAGE);
    unsigned char *elsewhere = map(hint, PAGE, RW, 0);  // a taken one
    CHECK((long)elsewhere > 0 && elsewhere != hint);
    elsewhere = map(hint + 3 * PAGE, 2 * PAGE, RW, 0);  // one that is free only in part
    CHECK((long)elsewhere > 0 && elsewhere != hint + 3 * PAGE);
    EQ(map(hint + PAGE, PAGE, RW, MAP_FIXED_NOREPLACE), hint + PAGE);

    // MAP_FIXED over the middle of a mapping: a new zero page between two old ones.
    memset(p, 0x77, 3 * PAGE);
    EQ(map(p + PAGE, PAGE, PROT_READ, MAP_FIXED), p + PAGE);
    EQ(p[PAGE - 1], 0x77);
    EQ(p[PAGE], 0);
    EQ(p[2 * PAGE - 1], 0);
    EQ(p[2 * PAGE], 0x77);
    EQ(probe(p + PAGE), READABLE);
    EQ(probe(p), READABLE | WRITABLE);
    EQ(map(p, 3 * PAGE, PROT_NONE, MAP_FIXED), p);      // over all three, with no access
    EQ(probe(p), UNMAPPED);
    EQ(probe(p + 2 * PAGE), UNMAPPED);
    EQ(sys(mprotect, p, 3 * PAGE, PROT_READ), 0);
    EQ(p[0] | p[PAGE] | p[2 * PAGE], 0);

    // Two mappings that are asked for one after the other do not overlap, and each keeps its bytes.
    unsigned char *many[64];
    for (int i = 0; i < 64; i++) {
        many[i] = map(NULL, (1 + i % 3) * PAGE, RW, 0);
        CHECK((long)many[i] > 0);
        memset(many[i], i, (1 + i % 3) * PAGE);
    }
    for (int i = 0; i < 64; i++) {
        EQ(many[i][0], i);
        EQ(many[i][(1 + i % 3) * PAGE - 1], i);
    }

    // A large mapping costs only what is touched.
    unsigned char *large = map(NULL, 1UL << 40, RW, MAP_NORESERVE);
    CHECK((long)large > 0);
    large[0] = 1;
    large[(1UL << 40) - 1] = 2;
    EQ(large[0] + large[1UL << 39] + large[(1UL << 40) - 1], 3);
    EQ(sys(munmap, large, 1UL << 40), 0);
    return 0;
}
