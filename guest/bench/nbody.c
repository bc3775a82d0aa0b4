// nbody.h in double: scalar and packed SSE2, divsd, sqrtsd.
#define BENCH_NAME "nbody"
#include "freestanding.h"

#define FLOAT double
#define SQUARE_ROOT __builtin_sqrt
enum { STEPS = 120000 };

#include "nbody.h"
