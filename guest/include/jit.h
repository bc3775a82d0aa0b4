// What the guests that write code share: a function that returns a number, as bytes.
#ifndef JIT_H
#define JIT_H

#include "raw.h"

#define JIT_ROUNDS 1000

typedef int jit_function(void);

enum { JIT_FUNCTION_BYTES = 6 };

// mov eax, value; ret
static inline void jit_emit(volatile unsigned char *at, int value)
{
    at[0] = 0xb8;
    for (int i = 0; i < 4; i++)
        at[1 + i] = (unsigned)value >> (8 * i);
    at[5] = 0xc3;
}

static inline int jit_call(const volatile void *code)
{
    return ((jit_function *)(uintptr_t)code)();
}

// Two mappings of one file: write code through the one that cannot execute, run it through the one that cannot write.
static inline void jit_dual_check(int fd)
{
    EQ(sys(ftruncate, fd, 2 * PAGE), 0);
    volatile unsigned char *writable = (void *)sys(mmap, 0, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    CHECK((long)writable > 0);
    volatile unsigned char *executable = (void *)sys(mmap, 0, 2 * PAGE, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
    CHECK((long)executable > 0);
    CHECK(writable != executable);
    for (int i = 0; i < JIT_ROUNDS; i++) {
        jit_emit(writable, i);
        EQ(jit_call(executable), i);
        EQ(jit_call(executable), i); // translated by now
        jit_emit(writable + PAGE + 8 * (i % 100), -i); // a neighbour, sometimes code that ran before
        EQ(jit_call(executable + PAGE + 8 * (i % 100)), -i);
        EQ(jit_call(executable), i);
    }
    EQ(executable[1], (JIT_ROUNDS - 1) & 0xff); // and it reads back as data
}

#endif
