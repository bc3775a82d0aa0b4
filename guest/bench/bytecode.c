// A stack-machine interpreter that runs the Collatz sequence: a dispatch switch, indirect jumps, as interpreters spend their time.
#define BENCH_NAME "bytecode"
#include "freestanding.h"

enum opcode { PUSH, LOAD, STORE, ADD, MULTIPLY, SHIFT_RIGHT, AND, LESS, JUMP_IF_ZERO, JUMP, HALT };
enum variable { START, N, STEPS, TOTAL, N_VARIABLES };
enum label { NEXT_START = 1, OUTER = 2, INNER = 10, EVEN = 29, DONE = 34, END = 44 };
enum { LAST_START = 24000 };

struct instruction {
    enum opcode opcode;
    int operand;
};

// for (start = 1; start < LAST_START; start++) {
// for (n = start, steps = 0; 1 < n; steps++)
// n = n & 1 ? n * 3 + 1 : n >> 1;
// total = total * 31 + steps;
// }
static const struct instruction program[] = {
    { PUSH, 1 },
    [NEXT_START] = { STORE, START },
    [OUTER] = { LOAD, START }, { PUSH, LAST_START }, { LESS, 0 }, { JUMP_IF_ZERO, END },
    { LOAD, START }, { STORE, N }, { PUSH, 0 }, { STORE, STEPS },
    [INNER] = { PUSH, 1 }, { LOAD, N }, { LESS, 0 }, { JUMP_IF_ZERO, DONE },
    { LOAD, STEPS }, { PUSH, 1 }, { ADD, 0 }, { STORE, STEPS },
    { LOAD, N }, { PUSH, 1 }, { AND, 0 }, { JUMP_IF_ZERO, EVEN },
    { LOAD, N }, { PUSH, 3 }, { MULTIPLY, 0 }, { PUSH, 1 }, { ADD, 0 }, { STORE, N }, { JUMP, INNER },
    [EVEN] = { LOAD, N }, { PUSH, 1 }, { SHIFT_RIGHT, 0 }, { STORE, N }, { JUMP, INNER },
    [DONE] = { LOAD, TOTAL }, { PUSH, 31 }, { MULTIPLY, 0 }, { LOAD, STEPS }, { ADD, 0 }, { STORE, TOTAL },
    { LOAD, START }, { PUSH, 1 }, { ADD, 0 }, { JUMP, NEXT_START },
    [END] = { HALT, 0 },
};

static uint64_t bench(void)
{
    uint64_t variables[N_VARIABLES] = { 0 };
    uint64_t stack[8], *top = stack; // top points one past the last value
    for (const struct instruction *next = program;;) {
        int operand = next->operand;
        switch (next++->opcode) {
        case PUSH: *top++ = (uint64_t)operand; break;
        case LOAD: *top++ = variables[operand]; break;
        case STORE: variables[operand] = *--top; break;
        case ADD: top--, top[-1] += top[0]; break;
        case MULTIPLY: top--, top[-1] *= top[0]; break;
        case SHIFT_RIGHT: top--, top[-1] >>= top[0]; break;
        case AND: top--, top[-1] &= top[0]; break;
        case LESS: top--, top[-1] = top[-1] < top[0]; break;
        case JUMP_IF_ZERO: if (*--top == 0) next = program + operand; break;
        case JUMP: next = program + operand; break;
        case HALT: return variables[TOTAL];
        }
    }
}
