// clone(2) of threads: one memory and one pid, tids and TLS of their own, CLONE_CHILD_CLEARTID wakes the joiner;
// tgkill reaches one thread, kill one that does not block; RUSAGE_THREAD and the CPU clock of a thread.
#include "raw_process.h"

#include <asm/prctl.h>

static volatile int sum, ready, go_on, handled_by;
static unsigned long tls_of[2][2];

static void adder(void *argument)
{
    for (int i = 0; i < 1000; i++)
        __atomic_add_fetch(&sum, *(int *)argument, __ATOMIC_SEQ_CST);
}

static void with_tls(void *argument)
{
    unsigned long *own = argument, value;
    __asm__ volatile("mov %%fs:8, %0" : "=r"(value));
    unsigned long base = 0;
    EQ(sys(arch_prctl, ARCH_GET_FS, &base), 0);
    CHECK(base == (unsigned long)own);
    __atomic_add_fetch(&sum, (int)value, __ATOMIC_SEQ_CST);
}

static void on_signal(int signo, siginfo_t *info, struct raw_ucontext *context)
{
    (void)signo, (void)info, (void)context;
    handled_by = sys(gettid);
}

static void sleeper(void *argument)
{
    (void)argument;
    ready = sys(gettid);
    while (!go_on)
        futex(&go_on, FUTEX_WAIT, 0, NULL, NULL, 0);
}

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    struct thread thread[8];
    int one = 1;
    for (int i = 0; i < 8; i++)
        CHECK(start_thread(&thread[i], adder, &one, 0, 0) > 0);
    for (int i = 0; i < 8; i++)
        join_thread(&thread[i]);
    EQ(sum, 8000);

    sum = 0;
    for (int i = 0; i < 2; i++) {
        tls_of[i][1] = 10 + i;
        CHECK(start_thread(&thread[i], with_tls, tls_of[i], CLONE_SETTLS, (unsigned long)tls_of[i]) > 0);
    }
    join_thread(&thread[0]);
    join_thread(&thread[1]);
    EQ(sum, 21);

    long tid = start_thread(&thread[0], sleeper, NULL, 0, 0);
    CHECK(tid > 0);
    EQ(thread[0].tid, tid);                             // CLONE_PARENT_SETTID
    await(&ready, tid);
    CHECK(tid != self());
    raw_handle(SIGUSR1, on_signal, SA_RESTART);
    EQ(sys(tgkill, self(), tid, SIGUSR1), 0);
    await(&handled_by, tid);
    handled_by = 0;
    unsigned long mask = 1UL << (SIGUSR1 - 1);
    EQ(sys(rt_sigprocmask, SIG_BLOCK, &mask, NULL, 8), 0);
    EQ(sys(kill, self(), SIGUSR1), 0);             // the main thread blocks it: the other takes it
    await(&handled_by, tid);
    EQ(sys(tgkill, self(), tid, 0), 0);
    EQ(sys(tgkill, self() + 12345, tid, 0), -ESRCH);
    EQ(sys(tgkill, -1, tid, 0), -EINVAL);
    EQ(sys(tkill, tid, 65), -EINVAL);
    go_on = 1;
    futex(&go_on, FUTEX_WAKE, 1, NULL, NULL, 0);
    join_thread(&thread[0]);
    EQ(sys(tkill, tid, 0), -ESRCH);

    EQ(raw_clone(CLONE_THREAD | CLONE_VM, NULL, NULL, NULL, 0), -EINVAL);       // without CLONE_SIGHAND
    EQ(raw_clone(CLONE_SIGHAND, NULL, NULL, NULL, 0), -EINVAL);                 // without CLONE_VM
    EQ(raw_clone(CLONE_NEWNS | CLONE_FS, NULL, NULL, NULL, 0), -EINVAL);
    return 0;
}
