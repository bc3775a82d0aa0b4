// nbody.h in long double: the 80-bit x87 stack, fdiv, fsqrt, fld and fstp of ten bytes.
#define BENCH_NAME "nbody_x87"
#include "freestanding.h"

#define FLOAT long double
#define SQUARE_ROOT __builtin_sqrtl
enum { STEPS = 20000 };

#include "nbody.h"
