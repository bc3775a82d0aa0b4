// The vDSO: the functions that libc finds through AT_SYSINFO_EHDR (vdso(7)), as lib/vdso and arch/x86/entry/vdso.
//
// The page in front of the image says how to make time of the time stamp counter. Where it does not (is_usable is 0:
// virtual time, or a host without a steady counter), the answer comes from a system call. It is made at a place that
// the kernel knows (before the entry point of the image, `vdso_end_of_quiet`), and which is not a system call of the
// program to strace. Clocks that Linux's own vDSO does not know make an ordinary one.
#include <linux/time.h>
#include <linux/types.h>

#define COARSE_NS 4000000                   // a jiffy at CONFIG_HZ=250
#define NS_PER_SEC 1000000000
#define FIXED_POINT_BITS 48
#define CPU_SEGMENT 0x7b                    // __CPUNODE_SEG: its limit is node << 12 | CPU

#define CLOCK(id) (1U << (id))
#define KNOWN (CLOCK(CLOCK_REALTIME) | CLOCK(CLOCK_MONOTONIC) | CLOCK(CLOCK_MONOTONIC_RAW) | CLOCK(CLOCK_BOOTTIME) | \
               CLOCK(CLOCK_TAI) | COARSE)
#define COARSE (CLOCK(CLOCK_REALTIME_COARSE) | CLOCK(CLOCK_MONOTONIC_COARSE))

// One way from the counter to time: ns = base_ns + ((counter - last) * rate >> FIXED_POINT_BITS).
struct line {
    __u64 last, base_ns, rate;
};

// pyuk/kernel/timekeeper.py writes this.
struct vvar {
    __u32 sequence;                         // another one for each change
    __u32 is_usable;
    struct line monotonic, raw;
    __u64 offset_ns[16];                    // of a clock to its line, by clockid_t
};

extern const volatile struct vvar vvar __attribute__((visibility("hidden")));

struct timespec64 {
    __s64 tv_sec, tv_nsec;
};

struct timeval64 {
    __s64 tv_sec, tv_usec;
};

struct zone {
    int tz_minuteswest, tz_dsttime;
};

__attribute__((noinline, section(".text.quiet"))) static long quiet(long number, long a, long b)
{
    long result;
    __asm__ volatile("syscall" : "=a"(result) : "0"(number), "D"(a), "S"(b) : "rcx", "r11", "memory");
    return result;
}

__attribute__((noinline)) static long loud(long number, long a, long b)
{
    long result;
    __asm__ volatile("syscall" : "=a"(result) : "0"(number), "D"(a), "S"(b) : "rcx", "r11", "memory");
    return result;
}

// The time of a known clock in nanoseconds; false where the page does not say.
static inline int now(unsigned clock, __u64 *ns)
{
    __u32 sequence;
    __u64 since, base_ns, rate;
    do {
        const volatile struct line *line = clock == CLOCK_MONOTONIC_RAW ? &vvar.raw : &vvar.monotonic;
        __u32 low, high;
        sequence = vvar.sequence;
        if (!vvar.is_usable)
            return 0;
        __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
        since = ((__u64)high << 32 | low) - line->last;
        rate = line->rate;
        base_ns = line->base_ns;
        *ns = vvar.offset_ns[clock];
    } while (vvar.sequence != sequence);
    if ((__s64)since > 0)                   // counters of two CPUs of the host may differ a little
        base_ns += (unsigned __int128)since * rate >> FIXED_POINT_BITS;
    *ns += base_ns;
    if (CLOCK(clock) & COARSE)
        *ns -= *ns % COARSE_NS;
    return 1;
}

int __vdso_clock_gettime(int clock, struct timespec64 *ts)
{
    __u64 ns;
    if ((unsigned)clock > CLOCK_TAI || !(CLOCK(clock) & KNOWN))
        return loud(228, clock, (long)ts);
    if (!now(clock, &ns))
        return quiet(228, clock, (long)ts);
    ts->tv_sec = ns / NS_PER_SEC;
    ts->tv_nsec = ns % NS_PER_SEC;
    return 0;
}

int __vdso_gettimeofday(struct timeval64 *tv, struct zone *tz)
{
    __u64 ns;
    if (!now(CLOCK_REALTIME, &ns))
        return quiet(96, (long)tv, (long)tz);
    if (tv) {
        tv->tv_sec = ns / NS_PER_SEC;
        tv->tv_usec = ns % NS_PER_SEC / 1000;
    }
    if (tz)
        tz->tz_minuteswest = tz->tz_dsttime = 0;
    return 0;
}

long __vdso_time(long *t)
{
    __u64 ns;
    if (!now(CLOCK_REALTIME_COARSE, &ns))
        return quiet(201, (long)t, 0);
    long seconds = ns / NS_PER_SEC;
    if (t)
        *t = seconds;
    return seconds;
}

int __vdso_clock_getres(int clock, struct timespec64 *ts)
{
    if ((unsigned)clock > CLOCK_TAI || !(CLOCK(clock) & KNOWN))
        return loud(229, clock, (long)ts);
    if (ts) {
        ts->tv_sec = 0;
        ts->tv_nsec = CLOCK(clock) & COARSE ? COARSE_NS : 1;
    }
    return 0;
}

long __vdso_getcpu(unsigned *cpu, unsigned *node, void *unused)
{
    unsigned limit;
    (void)unused;
    __asm__("lsl %1, %0" : "=r"(limit) : "r"(CPU_SEGMENT));
    if (cpu)
        *cpu = limit & 0xfff;
    if (node)
        *node = limit >> 12;
    return 0;
}

#define WEAK(name) __typeof__(__vdso_##name) name __attribute__((weak, alias("__vdso_" #name)))
WEAK(clock_gettime);
WEAK(gettimeofday);
WEAK(time);
WEAK(clock_getres);
WEAK(getcpu);

static const struct {
    __u32 n_name, n_desc, type;
    char name[8];
    __u32 version;
} note __attribute__((section(".note.Linux"), used, aligned(4))) = {6, 4, 0, "Linux", 0x060100}; // LINUX_VERSION_CODE
