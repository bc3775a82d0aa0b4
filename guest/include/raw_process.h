// Processes and threads without a libc: fork and wait with checks, threads on stacks of their own, naps and pipes.
#ifndef RAW_PROCESS_H
#define RAW_PROCESS_H

#include "raw_signal.h"

#include <linux/futex.h>
#include <linux/sched.h>
#include <linux/time.h>
#include <linux/wait.h>

#define MS 1000000L
#define EXITED(code) ((code) << 8)
#define STOPPED(signo) ((signo) << 8 | 0x7f)
#define CONTINUED 0xffff

static inline void nap(long ms)
{
    struct __kernel_timespec time = {ms / 1000, ms % 1000 * MS};
    while (sys(nanosleep, &time, &time) == -EINTR)
        ;
}

static inline long self(void)
{
    return sys(getpid);
}

static inline long parent(void)
{
    return sys(getppid);
}

// Exit of a child: a failed check there is a status the parent does not expect.
static inline void quit(int status)
{
    sys(exit_group, status);
    __builtin_unreachable();
}

static inline int wait_status(long pid)
{
    int status = -1;
    long got;
    while ((got = sys(wait4, pid, &status, 0, NULL)) == -EINTR)
        ;
    check(253, __LINE__, got == pid, "wait4 did not give the child");
    return status;
}

// Pages that processes share
static inline void *shared(size_t n_bytes)
{
    return (void *)sys(mmap, NULL, n_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

static inline long futex(volatile int *word, int op, int value, struct __kernel_timespec *timeout, volatile int *other,
                         int value3)
{
    return sys(futex, word, op, value, timeout, other, value3);
}

// Wait until *word has that value, which somebody else stores.
static inline void await(volatile int *word, int value)
{
    for (int i = 0; *word != value; i++) {
        check(252, __LINE__, i < 20000, "waited in vain");
        nap(1);
    }
}

// --- threads ---------------------------------------------------------------------------------------------------

#define THREAD_FLAGS                                                                                                   \
    (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM | CLONE_PARENT_SETTID |          \
     CLONE_CHILD_CLEARTID)

typedef void thread_body(void *argument);

struct thread {
    volatile int tid; // 0 when it has ended (CLONE_CHILD_CLEARTID)
    char *stack;
};

long raw_clone(unsigned long flags, void *sp, volatile int *parent_tid, volatile int *child_tid, unsigned long tls);
__asm__(".text\n"
        ".globl raw_clone\n"
        "raw_clone:\n"
        "    mov %rcx, %r10\n"
        "    mov $56, %eax\n"
        "    syscall\n"
        "    test %rax, %rax\n"
        "    jnz 1f\n"
        "    xor %ebp, %ebp\n"
        "    pop %rdi\n"           // what start_thread has put on the new stack: the argument, then the body
        "    pop %rax\n"
        "    call *%rax\n"
        "    xor %edi, %edi\n"
        "    mov $60, %eax\n"
        "    syscall\n"
        "1:  ret\n");

#define STACK_BYTES 16384

static inline long start_thread(struct thread *thread, thread_body *body, void *argument, unsigned long more,
                                unsigned long tls)
{
    thread->stack = map(NULL, STACK_BYTES, PROT_READ | PROT_WRITE, 0);
    void **top = (void **)(thread->stack + STACK_BYTES) - 2;
    top[0] = argument;
    top[1] = (void *)body;
    return raw_clone(THREAD_FLAGS | more, top, &thread->tid, &thread->tid, tls);
}

static inline void join_thread(struct thread *thread)
{
    int tid;
    while ((tid = thread->tid) != 0)
        futex(&thread->tid, FUTEX_WAIT, tid, NULL, NULL, 0);
    sys(munmap, thread->stack, STACK_BYTES);
}

#endif
