// qsort(3) of glibc over random 64-bit keys: indirect calls, unpredictable branches, malloc(3); a static libc program.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { N_KEYS = 300000 };

static uint64_t keys[N_KEYS];

static int compare(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

int main(void)
{
    uint64_t random = 88172645463325252u, checksum = 0;
    for (int i = 0; i < N_KEYS; i++) {
        random ^= random << 13, random ^= random >> 7, random ^= random << 17;
        keys[i] = random;
    }
    qsort(keys, N_KEYS, sizeof *keys, compare);
    for (int i = 0; i < N_KEYS; i++)
        checksum = checksum * 31 + keys[i];
    printf("qsort %016" PRIx64 "\n", checksum);
    return 0;
}
