// Doubly recursive Fibonacci: calls, returns, and the stack.
#define BENCH_NAME "fib"
#include "freestanding.h"

// Without these attributes gcc turns most of the calls into loops.
__attribute__((noinline, noclone, optimize("no-optimize-sibling-calls"))) static uint64_t fib(unsigned n)
{
    return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

static uint64_t bench(void)
{
    return fib(35);
}
