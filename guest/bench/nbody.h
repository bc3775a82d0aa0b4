// The five-body problem of the Computer Language Benchmarks Game, in whatever floating type FLOAT names.
#ifndef BENCH_NBODY_H
#define BENCH_NBODY_H

enum { N_BODIES = 5 };

struct body {
    FLOAT x, y, z, vx, vy, vz, mass;
};

#define PI 3.141592653589793L
#define SOLAR_MASS (4 * PI * PI)
#define DAYS_PER_YEAR 365.24L

static struct body bodies[N_BODIES] = {
    { .mass = SOLAR_MASS },
    { 4.84143144246472090e+00L, -1.16032004402742839e+00L, -1.03622044471123109e-01L, 1.66007664274403694e-03L * DAYS_PER_YEAR,
      7.69901118419740425e-03L * DAYS_PER_YEAR, -6.90460016972063023e-05L * DAYS_PER_YEAR, 9.54791938424326609e-04L * SOLAR_MASS },
    { 8.34336671824457987e+00L, 4.12479856412430479e+00L, -4.03523417114321381e-01L, -2.76742510726411542e-03L * DAYS_PER_YEAR,
      4.99852801234917238e-03L * DAYS_PER_YEAR, 2.30417297573763929e-05L * DAYS_PER_YEAR, 2.85885980666130812e-04L * SOLAR_MASS },
    { 1.28943695621391310e+01L, -1.51111514016986312e+01L, -2.23307578892655734e-01L, 2.96460137564761618e-03L * DAYS_PER_YEAR,
      2.37847173959480950e-03L * DAYS_PER_YEAR, -2.96589568540237556e-05L * DAYS_PER_YEAR, 4.36624404335156298e-05L * SOLAR_MASS },
    { 1.53796971148509165e+01L, -2.59193146099879641e+01L, 1.79258772950371181e-01L, 2.68067772490389322e-03L * DAYS_PER_YEAR,
      1.62824170038242295e-03L * DAYS_PER_YEAR, -9.51592254519715870e-05L * DAYS_PER_YEAR, 5.15138902046611451e-05L * SOLAR_MASS },
};

static void advance(FLOAT dt)
{
    for (int i = 0; i < N_BODIES; i++) {
        struct body *p = &bodies[i];
        for (int j = i + 1; j < N_BODIES; j++) {
            struct body *q = &bodies[j];
            FLOAT dx = p->x - q->x, dy = p->y - q->y, dz = p->z - q->z;
            FLOAT squared = dx * dx + dy * dy + dz * dz;
            FLOAT magnitude = dt / (squared * SQUARE_ROOT(squared));
            p->vx -= dx * q->mass * magnitude;
            p->vy -= dy * q->mass * magnitude;
            p->vz -= dz * q->mass * magnitude;
            q->vx += dx * p->mass * magnitude;
            q->vy += dy * p->mass * magnitude;
            q->vz += dz * p->mass * magnitude;
        }
    }
    for (int i = 0; i < N_BODIES; i++) {
        struct body *p = &bodies[i];
        p->x += dt * p->vx;
        p->y += dt * p->vy;
        p->z += dt * p->vz;
    }
}

static uint64_t bench(void)
{
    uint64_t checksum = 0;
    for (int i = 0; i < STEPS; i++)
        advance((FLOAT)0.01L);
    for (int i = 0; i < N_BODIES; i++)
        checksum = checksum * 31 + double_bits((double)bodies[i].x) + double_bits((double)bodies[i].vy);
    return checksum;
}

#endif
