// Sieve of Eratosthenes, one byte a number: strided byte stores over a megabyte, far more pages than a small TLB holds.
#define BENCH_NAME "sieve"
#include "freestanding.h"

enum { LIMIT = 1 << 20, ROUNDS = 32 };

static uint8_t composite[LIMIT];

static uint64_t bench(void)
{
    uint64_t checksum = 0;
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < LIMIT; i++)
            composite[i] = 0;
        for (int i = 2; i * i < LIMIT; i++)
            if (!composite[i])
                for (int j = i * i; j < LIMIT; j += i)
                    composite[j] = 1;
        for (int i = 2; i < LIMIT; i++)
            if (!composite[i])
                checksum = checksum * 31 + (uint64_t)(i + round);
    }
    return checksum;
}
