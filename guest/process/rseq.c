// rseq(2): a critical section is aborted by a signal (and the handler's frame says so) and by preemption; the pointer
// to it is cleared; children have it, threads and executed programs have not; what is wrong with it is SIGSEGV.
#include "raw_process.h"

#include <linux/rseq.h>
#include <linux/time.h>
#include <linux/time_types.h>

#define SIGNATURE 0x53053053

static volatile struct rseq area __attribute__((aligned(32)));
static volatile struct rseq_cs section __attribute__((aligned(32)));
static volatile unsigned long n_spins, n_signals, frame_ip;
static volatile int stop;

extern char section_start[], section_end[], section_abort[], section_badly_signed[];

// Spins in the critical section until it is aborted. 1: aborted.
long spin(volatile struct rseq_cs *cs, volatile void *pointer, volatile unsigned long *count);
__asm__(".text\n"
        "spin:\n"
        "    xor %eax, %eax\n"
        "    mov %rdi, (%rsi)\n"
        ".globl section_start, section_end, section_abort, section_badly_signed\n"
        "section_start:\n"
        "    incq (%rdx)\n"
        "    jmp section_start\n"
        "section_end:\n"
        "    ret\n"
        "    .long 0x53053053\n"
        "section_abort:\n"
        "    mov $1, %eax\n"
        "    ret\n"
        "    .long 0x12345678\n"
        "section_badly_signed:\n"
        "    ret\n");

static void set_section(void)
{
    section.version = section.flags = 0;
    section.start_ip = (uintptr_t)section_start;
    section.post_commit_offset = section_end - section_start;
    section.abort_ip = (uintptr_t)section_abort;
}

static long run(void)
{
    n_spins = 0;
    return spin(&section, &area.rseq_cs, &n_spins);
}

// Again and again, as the first may come before the section has been entered; 0: no more.
static void alarm_every(long us)
{
    struct __kernel_old_itimerval timer = {{0, us}, {0, us}};
    EQ(sys(setitimer, ITIMER_REAL, &timer, NULL), 0);
}

static void on_alarm(int signo, siginfo_t *info, struct raw_ucontext *context)
{
    (void)signo, (void)info;
    n_signals++;
    frame_ip = context->rip;
}

static void spinner(void *argument)
{
    (void)argument;
    while (!stop)
        ;
}

// The status of a child that has made something wrong of the section, and runs it until a signal or preemption comes.
static int status_of(void (*change)(void))
{
    long child = sys(fork), status = 0;
    if (child == 0) {
        set_section();
        alarm_every(2000);
        change();
        run();
        sys(exit_group, 0);
    }
    EQ(sys(wait4, child, &status, 0, NULL), child);
    return status & 0xffff;
}

static void nothing(void) {}
static void version(void) { section.version = 1; }
static void section_flags(void) { section.flags = RSEQ_CS_FLAG_NO_RESTART_ON_SIGNAL; }
static void unknown_flags(void) { section.flags = 1 << 7; }
static void area_flags(void) { area.flags = RSEQ_CS_FLAG_NO_RESTART_ON_PREEMPT; }
static void signature(void) { section.abort_ip = (uintptr_t)section_badly_signed; }
static void abort_inside(void) { section.abort_ip = (uintptr_t)section_start; }
static void abort_nowhere(void) { section.abort_ip = 1UL << 63; }
static void overflow(void) { section.post_commit_offset = ~0UL; }
static void unreadable(void) { EQ(sys(munmap, (uintptr_t)&area & ~(PAGE - 1), PAGE), 0); }

static void bad_pointer(void)
{
    spin((void *)8, &area.rseq_cs, &n_spins);
}

static void thread_without(void *argument)
{
    *(long *)argument = sys(rseq, &area, 32, RSEQ_FLAG_UNREGISTER, SIGNATURE);
}

int main(int argc, char **argv, char **envp)
{
    (void)envp;
    if (argc > 1)
        return sys(rseq, &area, 32, 0, SIGNATURE) != 0 || sys(rseq, &area, 32, 0, SIGNATURE) != -EBUSY;
    unsigned long one = 1;
    EQ(sys(sched_setaffinity, 0, 8, &one) < 0, 0);              // so that the others preempt it
    EQ(raw_handle(SIGALRM, on_alarm, 0), 0);
    EQ(sys(rseq, &area, 32, 0, SIGNATURE), 0);
    EQ(area.cpu_id, 0);
    EQ(area.cpu_id_start, 0);

    set_section();
    alarm_every(2000);
    EQ(run(), 1);
    EQ(area.rseq_cs, 0);
    CHECK(n_spins > 0);
    for (int i = 0; i < 200 && frame_ip != (uintptr_t)section_abort; i++)   // preemption may have come before it
        EQ(run(), 1);
    alarm_every(0);
    CHECK(n_signals > 0);
    EQ(frame_ip, (uintptr_t)section_abort);

    struct thread thread;
    CHECK(start_thread(&thread, spinner, NULL, 0, 0) > 0);
    for (int i = 0; i < 3; i++)
        EQ(run(), 1);                                           // nothing but preemption ends it
    area.rseq_cs = (uintptr_t)&section;                         // not in the section: cleared some time
    while (area.rseq_cs)
        ;
    stop = 1;
    join_thread(&thread);

    long result = 0;
    CHECK(start_thread(&thread, thread_without, &result, 0, 0) > 0);
    join_thread(&thread);
    EQ(result, -EINVAL);

    EQ(status_of(nothing), 0);
    EQ(status_of(version) & 0x7f, SIGSEGV);
    EQ(status_of(section_flags) & 0x7f, SIGSEGV);
    EQ(status_of(unknown_flags) & 0x7f, SIGSEGV);
    EQ(status_of(area_flags) & 0x7f, SIGSEGV);
    EQ(status_of(signature) & 0x7f, SIGSEGV);
    EQ(status_of(abort_inside) & 0x7f, SIGSEGV);
    EQ(status_of(abort_nowhere) & 0x7f, SIGSEGV);
    EQ(status_of(overflow) & 0x7f, SIGSEGV);
    EQ(status_of(bad_pointer) & 0x7f, SIGSEGV);
    EQ(status_of(unreadable) & 0x7f, SIGSEGV);

    long child = sys(fork), status = 0;
    if (child == 0) {
        char *again[] = {argv[0], "executed", NULL};
        sys(execve, "/proc/self/exe", again, NULL);
        sys(exit_group, 9);
    }
    EQ(sys(wait4, child, &status, 0, NULL), child);
    EQ(status, 0);
    EQ(sys(rseq, &area, 32, RSEQ_FLAG_UNREGISTER, SIGNATURE), 0);
    EQ(area.cpu_id, (unsigned)RSEQ_CPU_ID_UNINITIALIZED);
    return 0;
}
