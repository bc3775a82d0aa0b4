// Integer arithmetic in registers only: no loads, no stores, one long basic block.
#define BENCH_NAME "alu"
#include "freestanding.h"

enum { STEPS = 80000000 };

static uint64_t bench(void)
{
    uint64_t a = 1, b = 2, c = 3;
    for (uint32_t i = 0; i < STEPS; i++) {
        a = a * 6364136223846793005u + i;
        b ^= a >> 29 | a << 35;
        c += b & ~i;
        b -= c << 3;
    }
    return a ^ b ^ c;
}
