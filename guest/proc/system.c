// proc(5), the machine's files: their form, and that they agree with system calls and count what happens.
#include "raw_proc.h"

#include <linux/sysinfo.h>
#include <linux/utsname.h>

static long clock_s(int clock)
{
    struct __kernel_timespec now;
    EQ(sys(clock_gettime, clock, &now), 0);
    return now.tv_sec;
}

static void times(void)
{
    long before = clock_s(7);                               // CLOCK_BOOTTIME
    CHECK(slurp("/proc/uptime") > 0);
    EQ(count_words(text), 2);
    CHECK(word_number(text, 0) >= before && word_number(text, 0) <= clock_s(7));
    CHECK(slurp("/proc/stat") > 0);
    CHECK(starts_with(text, "cpu  "));
    EQ(count_words(text), 11);
    long sum = 0, up = clock_s(7);
    char *row = value_of("cpu0 ");
    for (int i = 0; i < 8; i++)
        sum += word_number(row, i);
    CHECK(sum > 0 && sum <= (up + 2) * 100);
    long boot = number_of("btime"), now = clock_s(0) - clock_s(7);
    CHECK(boot >= now - 2 && boot <= now + 2);
    CHECK(number_of("procs_running") >= 1);
    EQ(number_of("procs_blocked") >= 0, 1);
    EQ(count_words(value_of("softirq")), 11);

    long ctxt = number_of("ctxt"), processes = number_of("processes"), intr = number_of("intr");
    for (int i = 0; i < 4; i++)
        nap(2);
    long child = sys(fork);
    if (child == 0)
        quit(0);
    wait_status(child);
    CHECK(slurp("/proc/stat") > 0);
    CHECK(number_of("ctxt") >= ctxt + 8);                   // away and back
    CHECK(number_of("processes") >= processes + 1);
    CHECK(number_of("intr") >= intr + 4);                   // each nap is ended by the timer

    CHECK(slurp("/proc/interrupts") > 0);
    CHECK(starts_with(word(text, 0), "CPU0"));
    long ticks = number_of(" LOC:") >= 0 ? number_of(" LOC:") : number_of("LOC:");
    CHECK(ticks > 0);
    for (int i = 0; i < 3; i++)
        nap(2);
    CHECK(slurp("/proc/interrupts") > 0);
    long later = number_of(" LOC:") >= 0 ? number_of(" LOC:") : number_of("LOC:");
    CHECK(later > ticks);
    CHECK(slurp("/proc/softirqs") > 0);
    EQ(count_lines(), 11);
    CHECK(slurp("/proc/loadavg") > 0);
    EQ(count_words(text), 5);
    CHECK(word_number(text, 4) >= child);
}

static void memory(void)
{
    struct sysinfo info;
    EQ(sys(sysinfo, &info), 0);
    CHECK(slurp("/proc/meminfo") > 0);
    CHECK(starts_with(text, "MemTotal:  "));
    EQ(number_of("MemTotal:"), info.totalram * info.mem_unit / 1024);
    EQ(number_of("SwapTotal:"), info.totalswap * info.mem_unit / 1024);
    CHECK(number_of("MemFree:") <= number_of("MemTotal:"));
    CHECK(number_of("MemAvailable:") <= number_of("MemTotal:"));
    CHECK(number_of("Cached:") > 0);
    CHECK(number_of("AnonPages:") > 0);
    CHECK(number_of("PageTables:") > 0);
    EQ(number_of("Hugepagesize:"), 2048);
    long shmem = number_of("Shmem:");
    char *pages = map(NULL, 8 << 20, PROT_READ | PROT_WRITE, 0);
    char *common = (char *)sys(mmap, 0, 8 << 20, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    for (long at = 0; at < 8 << 20; at += PAGE)
        pages[at] = common[at] = 1;
    CHECK(slurp("/proc/meminfo") > 0);
    CHECK(number_of("Shmem:") >= shmem + (7 << 10));
    CHECK(number_of("Committed_AS:") >= 16 << 10);

    CHECK(slurp("/proc/vmstat") > 0);
    long faults = number_of("pgfault");
    CHECK(number_of("nr_free_pages") > 0);
    pages = map(NULL, 64 * PAGE, PROT_READ | PROT_WRITE, 0);
    sys(madvise, pages, 64 * PAGE, MADV_NOHUGEPAGE);
    for (long at = 0; at < (long)(64 * PAGE); at += PAGE)
        pages[at] = 1;
    nap(1);
    CHECK(slurp("/proc/vmstat") > 0);
    CHECK(number_of("pgfault") >= faults);
}

static void is_text(const char *path, const char *wanted)
{
    CHECK(slurp(path) > 0);
    n_text--;
    CHECK(text[n_text] == '\n');
    text[n_text] = 0;
    EQ(strcmp(text, wanted), 0);
}

static void names(void)
{
    struct new_utsname name;
    EQ(sys(uname, &name), 0);
    is_text("/proc/sys/kernel/ostype", name.sysname);
    is_text("/proc/sys/kernel/hostname", name.nodename);
    is_text("/proc/sys/kernel/osrelease", name.release);
    is_text("/proc/sys/kernel/version", name.version);
    is_text("/proc/sys/kernel/domainname", name.domainname);
    CHECK(slurp("/proc/version") > 0);
    CHECK(starts_with(text, "Linux version "));
    CHECK(memcmp(text + 14, name.release, strlen(name.release)) == 0);
    is_text("/proc/sys/kernel/ngroups_max", "65536");
    is_text("/proc/sys/kernel/cap_last_cap", "40");
    is_text("/proc/sys/fs/pipe-max-size", "1048576");
    is_text("/proc/sys/fs/nr_open", "1048576");
    is_text("/proc/sys/kernel/random/poolsize", "256");

    EQ(slurp("/proc/sys/kernel/random/boot_id"), 37);
    char first[40];
    memcpy(first, text, 37);
    CHECK(text[8] == '-' && text[13] == '-' && text[14] == '4' && text[18] == '-' && text[23] == '-');
    EQ(slurp("/proc/sys/kernel/random/boot_id"), 37);
    EQ(memcmp(first, text, 37), 0);
    EQ(slurp("/proc/sys/kernel/random/uuid"), 37);
    memcpy(first, text, 37);
    EQ(slurp("/proc/sys/kernel/random/uuid"), 37);
    CHECK(memcmp(first, text, 37) != 0);
    EQ(sys(access, "/proc/sys/kernel/ostype", 2), -EACCES);

    CHECK(slurp("/proc/cpuinfo") > 0);
    CHECK(starts_with(text, "processor\t: 0\nvendor_id\t: "));
    CHECK(value_of("flags\t\t:") != NULL);
    CHECK(slurp("/proc/filesystems") > 0);
    CHECK(value_of("nodev\tproc") != NULL);
    EQ(link_of("/proc/mounts"), 11);
    EQ(strcmp(text, "self/mounts"), 0);
    EQ(link_of("/proc/net"), 8);
    EQ(strcmp(text, "self/net"), 0);
    EQ(link_of("/proc/self"), strlen(proc_path(self(), "")) - 6);
    EQ(lists("/proc/sys/kernel", "hostname"), 1);
    EQ(lists("/proc/sysvipc", "shm"), 1);
    CHECK(slurp("/sys/devices/system/cpu/online") > 0);
    EQ(text[0], '0');
    CHECK(slurp("/sys/kernel/mm/transparent_hugepage/hpage_pmd_size") > 0);
    EQ(parse(text, 10), 2 << 20);
    long refused = open_at("/sys/new", O_WRONLY | O_CREAT);
    CHECK(refused == -EACCES || refused == -EROFS);         // it may be mounted read-only
    refused = sys(mkdir, "/sys/new", 0700);
    CHECK(refused == -EACCES || refused == -EPERM || refused == -EROFS);
}

static void shared_segment(void)
{
    long shmid = sys(shmget, 0, 5000, 0600);
    CHECK(shmid >= 0);
    CHECK(slurp("/proc/sysvipc/shm") > 0);
    int found = 0;
    for (char *line = text; *line;) {
        if (line != text && word_number(line, 1) == shmid) {
            found = 1;
            EQ(parse(word(line, 2), 8), 0600);
            EQ(word_number(line, 3), 5000);
            EQ(word_number(line, 4), self());
        }
        while (*line && *line++ != '\n')
            ;
    }
    EQ(found, 1);
    EQ(sys(shmctl, shmid, 0, NULL), 0);
}

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    times();
    memory();
    names();
    shared_segment();
    return 0;
}
