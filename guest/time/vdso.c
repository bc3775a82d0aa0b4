// vdso(7), clock_gettime(2): the vDSO's functions agree with the system calls: read in turns no clock goes back, also
// across sleeps, processes and threads; nothing wakes before its time; NULL, resolutions, errors; clocks of CPU time.
// The image is an ELF file with the versions and the soname that libraries look for.
// variants: glibc-static glibc-pie musl-static
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CHECK(holds) ((holds) ? (void)0 : (dprintf(2, "line %d: %s\n", __LINE__, #holds), exit(1)))
#define N 2000

typedef int clock_function(clockid_t, struct timespec *);

static long long ns(struct timespec t)
{
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static long long by_vdso(clockid_t clock)
{
    struct timespec t;
    CHECK(clock_gettime(clock, &t) == 0);
    CHECK(t.tv_nsec >= 0 && t.tv_nsec < 1000000000);
    return ns(t);
}

static long long by_call(clockid_t clock)
{
    struct timespec t;
    CHECK(syscall(SYS_clock_gettime, clock, &t) == 0);
    return ns(t);
}

static void in_turns(clockid_t clock)
{
    long long last = by_vdso(clock);
    for (int i = 0; i < N; i++) {
        long long now = i % 3 == 2 ? by_call(clock) : by_vdso(clock);
        if (now < last)
            dprintf(2, "clock %d: %lld after %lld\n", clock, now, last);
        CHECK(now >= last);
        last = now;
    }
}

static void *reader(void *argument)
{
    in_turns(*(clockid_t *)argument);
    return NULL;
}

static void sleeps(void)
{
    for (int i = 0; i < 8; i++) {
        struct timespec t;
        clockid_t clock = i % 2 ? CLOCK_MONOTONIC : CLOCK_REALTIME;
        long long until = by_vdso(clock) + 1000000 * i;
        t.tv_sec = until / 1000000000, t.tv_nsec = until % 1000000000;
        CHECK(clock_nanosleep(clock, TIMER_ABSTIME, &t, NULL) == 0);
        CHECK(by_vdso(clock) >= until);
    }
}

static void image(void)
{
    const char *begin = (const char *)getauxval(AT_SYSINFO_EHDR);
    const Elf64_Ehdr *ehdr = (const Elf64_Ehdr *)begin;
    CHECK(begin && memcmp(ehdr->e_ident, ELFMAG, SELFMAG) == 0 && ehdr->e_type == ET_DYN);
    const Elf64_Phdr *phdr = (const Elf64_Phdr *)(begin + ehdr->e_phoff);
    const Elf64_Dyn *dynamic = NULL;
    for (int i = 0; i < ehdr->e_phnum; i++)
        if (phdr[i].p_type == PT_DYNAMIC)
            dynamic = (const Elf64_Dyn *)(begin + phdr[i].p_offset);
    CHECK(dynamic);
    const char *strings = NULL;
    const Elf64_Sym *symbols = NULL;
    const unsigned *hash = NULL;
    const Elf64_Half *versions = NULL;
    const Elf64_Verdef *defined = NULL;
    unsigned long soname = 0;
    for (; dynamic->d_tag; dynamic++) {
        const char *at = begin + dynamic->d_un.d_ptr;
        if (dynamic->d_tag == DT_STRTAB)
            strings = at;
        else if (dynamic->d_tag == DT_SYMTAB)
            symbols = (const Elf64_Sym *)at;
        else if (dynamic->d_tag == DT_HASH)
            hash = (const unsigned *)at;
        else if (dynamic->d_tag == DT_VERSYM)
            versions = (const Elf64_Half *)at;
        else if (dynamic->d_tag == DT_VERDEF)
            defined = (const Elf64_Verdef *)at;
        else if (dynamic->d_tag == DT_SONAME)
            soname = dynamic->d_un.d_val;
    }
    CHECK(strings && symbols && hash && versions && defined);
    CHECK(strcmp(strings + soname, "linux-vdso.so.1") == 0);
    static const char *const names[] = {"__vdso_clock_gettime", "__vdso_gettimeofday", "__vdso_time", "__vdso_getcpu",
                                        "__vdso_clock_getres", "clock_gettime", "gettimeofday", "time", "getcpu"};
    for (unsigned n = 0; n < sizeof names / sizeof *names; n++) {
        unsigned i;
        for (i = 1; i < hash[1] && strcmp(strings + symbols[i].st_name, names[n]); i++)
            ;
        CHECK(i < hash[1] && ELF64_ST_TYPE(symbols[i].st_info) == STT_FUNC);
        const Elf64_Verdef *version = defined;
        while (version->vd_ndx != (versions[i] & 0x7fff)) {
            CHECK(version->vd_next);
            version = (const Elf64_Verdef *)((const char *)version + version->vd_next);
        }
        const Elf64_Verdaux *aux = (const Elf64_Verdaux *)((const char *)version + version->vd_aux);
        CHECK(strcmp(strings + aux->vda_name, "LINUX_2.6") == 0);
        if (n == 0) {
            clock_function *function = (clock_function *)(begin + symbols[i].st_value);
            struct timespec a, b;
            CHECK(function(CLOCK_MONOTONIC, &a) == 0 && function(CLOCK_MONOTONIC, &b) == 0 && ns(b) >= ns(a));
            CHECK(function(77, &a) == -EINVAL && function(-1, &a) == -EINVAL);
        }
    }
}

int main(void)
{
    static clockid_t clocks[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_MONOTONIC_RAW, CLOCK_BOOTTIME, CLOCK_TAI,
                                 CLOCK_REALTIME_COARSE, CLOCK_MONOTONIC_COARSE, CLOCK_PROCESS_CPUTIME_ID};
    image();
    for (unsigned i = 0; i < sizeof clocks / sizeof *clocks; i++)
        in_turns(clocks[i]);
    long long fine = by_vdso(CLOCK_MONOTONIC), coarse = by_vdso(CLOCK_MONOTONIC_COARSE), later = by_vdso(CLOCK_MONOTONIC);
    CHECK(coarse <= later && coarse >= fine - 10000000);
    CHECK(by_vdso(CLOCK_REALTIME_COARSE) <= by_vdso(CLOCK_REALTIME));

    struct timespec t;
    CHECK(clock_getres(CLOCK_MONOTONIC, &t) == 0 && ns(t) == 1);
    CHECK(clock_getres(CLOCK_REALTIME_COARSE, &t) == 0 && ns(t) > 1 && ns(t) <= 10000000);
    CHECK(clock_getres(CLOCK_BOOTTIME, NULL) == 0);
    CHECK(clock_gettime(77, &t) == -1 && errno == EINVAL);
    CHECK(clock_getres(77, &t) == -1 && errno == EINVAL);

    struct timeval tv;
    struct timezone tz = {0, 0};
    fine = by_vdso(CLOCK_REALTIME) / 1000;
    CHECK(gettimeofday(&tv, &tz) == 0 && tz.tz_dsttime == 0);
    CHECK(tv.tv_sec * 1000000LL + tv.tv_usec >= fine);
    CHECK(gettimeofday(&tv, NULL) == 0 && tv.tv_usec >= 0 && tv.tv_usec < 1000000);
    time_t stored, now = time(&stored);
    CHECK(now == stored && time(NULL) >= now && now <= by_vdso(CLOCK_REALTIME) / 1000000000);

    unsigned cpu = 99, node = 99;
    CHECK(syscall(SYS_getcpu, &cpu, &node, NULL) == 0 && cpu < 4096 && node == 0);
    CHECK(sched_getcpu() >= 0);

    sleeps();
    pthread_t threads[3];
    for (int i = 0; i < 3; i++)
        CHECK(pthread_create(&threads[i], NULL, reader, &clocks[i]) == 0);
    in_turns(CLOCK_MONOTONIC);
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);

    int fds[2], status;                                     // each sees what the other has seen before, or later
    CHECK(pipe(fds) == 0);
    for (int i = 0; i < 20; i++) {
        long long seen = by_vdso(CLOCK_MONOTONIC);
        pid_t child = fork();
        if (child == 0) {
            long long here = by_vdso(CLOCK_MONOTONIC);
            _exit(here < seen || write(fds[1], &here, sizeof here) != sizeof here);
        }
        CHECK(waitpid(child, &status, 0) == child && status == 0);
        CHECK(read(fds[0], &seen, sizeof seen) == sizeof seen && by_vdso(CLOCK_MONOTONIC) >= seen);
    }

    FILE *maps = fopen("/proc/self/maps", "r");
    char line[256];
    int n_vvar = 0, n_vdso = 0;
    while (fgets(line, sizeof line, maps)) {
        n_vvar += strstr(line, " r--p ") && strstr(line, "[vvar]\n");
        n_vdso += strstr(line, " r-xp ") && strstr(line, "[vdso]\n");
    }
    CHECK(n_vvar == 1 && n_vdso == 1);
    return 0;
}
