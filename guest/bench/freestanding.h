// All the run-time a freestanding bench guest has: an entry point, one line of output, exit.
//
// A guest defines `uint64_t bench(void)` and BENCH_NAME; what it prints is "<name> <checksum in hex>\n".
// No libc: the instructions measured are those of the guest's own C, and the start costs two system calls.
#ifndef BENCH_FREESTANDING_H
#define BENCH_FREESTANDING_H

#include <stdint.h>

static uint64_t bench(void);

enum { SYS_write = 1, SYS_exit_group = 231 };

static long system_call(long number, long a, long b, long c)
{
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c)
                     : "rcx", "r11", "memory");
    return result;
}

// The next number of a fixed sequence (xorshift64*): inputs must be the same in every run.
__attribute__((unused)) static uint64_t next_random(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * 0x2545f4914f6cdd1dull;
}

__attribute__((unused)) static uint64_t double_bits(double value)
{
    union { double value; uint64_t bits; } pun = { .value = value };
    return pun.bits;
}

__attribute__((used, noreturn)) static void bench_main(void)
{
    static char line[] = BENCH_NAME " 0123456789abcdef\n";
    char *digits = line + sizeof BENCH_NAME;
    uint64_t checksum = bench();
    for (int i = 0; i < 16; i++)
        digits[i] = "0123456789abcdef"[checksum >> (60 - 4 * i) & 15];
    long n_bytes = sizeof line - 1;
    long status = system_call(SYS_write, 1, (long)line, n_bytes) == n_bytes ? 0 : 1;
    for (;;)
        system_call(SYS_exit_group, status, 0, 0);
}

__asm__(".globl _start\n"
        "_start: xorl %ebp, %ebp\n"
        "        andq $-4096, %rsp\n"
        "        call bench_main\n");

#endif
