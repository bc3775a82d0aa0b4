// How threads end: the first may end before the others and the process goes on under its pid; exit_group from a thread
// ends all; execve from a thread leaves one thread, which has the pid; a fault in a thread ends all.
#include "raw_process.h"

static char *program, *no_environment[] = {NULL};
static volatile int never;

static void waits(void *argument)
{
    (void)argument;
    for (;;)
        futex(&never, FUTEX_WAIT, 0, NULL, NULL, 0);
}

static void outlives_leader(void *argument)
{
    nap(30);
    quit(self() == *(long *)argument && sys(gettid) != self() && sys(kill, self(), 0) == 0 ? 61 : 62);
}

static void group_exit(void *argument)
{
    (void)argument;
    nap(10);
    quit(63);
}

static void executes(void *argument)
{
    static char digits[24];
    digits[23] = 0;
    char *arguments[] = {program, print_number(digits + 23, *(long *)argument, 10), NULL};
    nap(10);
    sys(execve, program, arguments, no_environment);
    quit(98);
}

static void faults(void *argument)
{
    nap(10);
    *(volatile int *)argument = 1;
}

int main(int argc, char **argv, char **envp)
{
    (void)envp;
    program = argv[0];
    if (argc == 2) {                                    // after the execve of a thread
        long wanted = 0;
        for (char *c = argv[1]; *c; c++)
            wanted = 10 * wanted + *c - '0';
        quit(self() == wanted && sys(gettid) == wanted ? 64 : 65);
    }
    thread_body *const bodies[] = {outlives_leader, group_exit, executes, faults};
    int const wanted[] = {EXITED(61), EXITED(63), EXITED(64), SIGSEGV};
    for (int i = 0; i < 4; i++) {
        long child = sys(fork);
        if (child == 0) {
            struct thread thread[2];
            long pid = self();
            start_thread(&thread[0], waits, NULL, 0, 0);
            start_thread(&thread[1], bodies[i], i == 3 ? BAD_POINTER : &pid, 0, 0);
            if (i == 0) {
                sys(exit, 60);
            }
            waits(NULL);
        }
        EQ(wait_status(child) & ~0x80, wanted[i]);
    }
    return 0;
}
