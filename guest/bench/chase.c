// Pointer chase through one random cycle over a thousand pages: every load depends on the last one and is in another page.
// A node has a cache line to itself and 17 lines to the next, so that the nodes fill every set of a 256 KiB cache evenly:
// address translation is measured, not the host's memory.
#define BENCH_NAME "chase"
#include "freestanding.h"

enum { N_NODES = 1 << 12, STEPS = 24000000 };

static struct node {
    struct node *next;
    uint64_t value;
    uint64_t padding[17 * 8 - 2];
} nodes[N_NODES];

static uint64_t bench(void)
{
    uint64_t random = 1, checksum = 0;
    for (int i = 0; i < N_NODES; i++) {
        nodes[i].next = &nodes[i];
        nodes[i].value = next_random(&random);
    }
    // Sattolo's algorithm: swapping each entry with an earlier one makes a permutation of a single cycle.
    for (int i = N_NODES - 1; i > 0; i--) {
        int j = (int)((next_random(&random) >> 32) * (uint64_t)i >> 32);
        struct node *swapped = nodes[i].next;
        nodes[i].next = nodes[j].next;
        nodes[j].next = swapped;
    }
    const struct node *node = nodes;
    for (int i = 0; i < STEPS; i++) {
        checksum += node->value;
        node = node->next;
    }
    return checksum;
}
