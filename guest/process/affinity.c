// sched_setaffinity(2): on each of the CPUs that there are, getcpu(2), the vDSO's and rseq(2)'s numbers are that CPU's; a
// mask without any is EINVAL; children and threads have it, execve keeps it.
// variants: glibc-static glibc-pie
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHECK(holds) ((holds) ? (void)0 : (dprintf(2, "line %d: %s\n", __LINE__, #holds), exit(1)))

static void is_on(int cpu)
{
    unsigned by_call, by_vdso, node;
    cpu_set_t set;
    CHECK(syscall(SYS_getcpu, &by_call, &node, NULL) == 0 && by_call == (unsigned)cpu && node == 0);
    CHECK(getcpu(&by_vdso, &node) == 0 && by_vdso == (unsigned)cpu && node == 0);
    CHECK(sched_getcpu() == cpu);                           // by rseq
    CHECK(sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) == 1 && CPU_ISSET(cpu, &set));
}

static void *thread(void *cpu)
{
    is_on(*(int *)cpu);
    return NULL;
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        is_on(atoi(argv[1]));
        return 0;
    }
    cpu_set_t all, one, none;
    CPU_ZERO(&none);
    CHECK(sched_getaffinity(0, sizeof all, &all) == 0 && CPU_COUNT(&all) >= 1);
    CHECK(sched_setaffinity(0, sizeof none, &none) == -1 && errno == EINVAL);
    CHECK(sched_getaffinity(0, 1, &one) == -1 && errno == EINVAL);
    CHECK(sched_setaffinity(99999999, sizeof all, &all) == -1 && errno == ESRCH);
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (!CPU_ISSET(cpu, &all))
            continue;
        CPU_ZERO(&one);
        CPU_SET(cpu, &one);
        CHECK(sched_setaffinity(0, sizeof one, &one) == 0);
        is_on(cpu);
        sched_yield();
        is_on(cpu);
        pthread_t other;
        CHECK(pthread_create(&other, NULL, thread, &cpu) == 0);
        pthread_join(other, NULL);
        int status;
        pid_t child = fork();
        if (child == 0) {
            char number[16];
            is_on(cpu);
            snprintf(number, sizeof number, "%d", cpu);
            execl("/proc/self/exe", argv[0], number, (char *)NULL);
            _exit(9);
        }
        CHECK(waitpid(child, &status, 0) == child && status == 0);
        is_on(cpu);
    }
    CPU_SET(1000, &all);                                    // one that does not exist does no harm
    CHECK(sched_setaffinity(0, sizeof all, &all) == 0);
    return 0;
}
