// Matrix product of doubles, i-k-j order: packed SSE2 multiply-add over rows in cache.
#define BENCH_NAME "matmul"
#include "freestanding.h"

enum { SIZE = 240 };

static double a[SIZE][SIZE], b[SIZE][SIZE], c[SIZE][SIZE];

static uint64_t bench(void)
{
    for (int i = 0; i < SIZE; i++)
        for (int j = 0; j < SIZE; j++) {
            a[i][j] = (double)((i * 7 + j * 3) % 11) / 3;
            b[i][j] = (double)((i * 5 + j * 9) % 13) / 7;
        }
    for (int i = 0; i < SIZE; i++)
        for (int k = 0; k < SIZE; k++)
            for (int j = 0; j < SIZE; j++)
                c[i][j] += a[i][k] * b[k][j];
    uint64_t checksum = 0;
    for (int i = 0; i < SIZE; i++)
        for (int j = 0; j < SIZE; j++)
            checksum = checksum * 31 + double_bits(c[i][j]);
    return checksum;
}
