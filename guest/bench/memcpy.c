// memcpy(3) and memset(3) of glibc, 4 KiB to 256 KiB, unaligned as well: what its IFUNC picks for the CPU it sees.
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

// The odd kilobytes keep source and target from sharing a slot of a direct-mapped TLB.
enum { LARGEST = 256 << 10, PAD = 13 << 10, ROUNDS = 120 };

static unsigned char source[LARGEST + PAD], target[LARGEST + PAD];

int main(void)
{
    uint64_t checksum = 0;
    for (size_t i = 0; i < sizeof source; i++)
        source[i] = (unsigned char)(i * 37 + (i >> 8));
    for (int round = 0; round < ROUNDS; round++)
        for (size_t n_bytes = 4096; n_bytes <= LARGEST; n_bytes *= 2)
            for (size_t offset = 0; offset < 8; offset++) {
                memset(target, (int)(round + offset), n_bytes);
                memcpy(target + offset, source + 8 - offset, n_bytes);
                checksum = checksum * 31 + target[n_bytes / 2] + target[n_bytes + offset - 1];
            }
    printf("memcpy %016" PRIx64 "\n", checksum);
    return 0;
}
