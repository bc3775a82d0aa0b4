// proc(5): what /proc/self says of the process that reads it, and follows as it changes; what it may write there.
#include "raw_proc.h"

#include <linux/prctl.h>
#include <linux/resource.h>

static void on_signal(int signo, siginfo_t *info, struct raw_ucontext *context)
{
    (void)signo, (void)info, (void)context;
}

static void status_and_stat(void)
{
    long uid = sys(getuid), pid = sys(getpid);
    CHECK(slurp("/proc/self/status") > 0);
    CHECK(starts_with(value_of("Name:"), "self\n"));
    CHECK(starts_with(value_of("State:"), "R (running)\n"));
    EQ(number_of("Tgid:"), pid);
    EQ(number_of("Pid:"), pid);
    EQ(number_of("NSpid:"), pid);
    EQ(number_of("PPid:"), sys(getppid));
    EQ(number_of("TracerPid:"), 0);
    EQ(number_of("Uid:"), uid);
    EQ(number_of("NSpgid:"), sys(getpgid, 0));
    EQ(number_of("NSsid:"), sys(getsid, 0));
    EQ(number_of("Threads:"), 1);
    EQ(number_of("CoreDumping:"), 0);
    EQ(hex_of("SigPnd:"), 0);
    EQ(number_of("NoNewPrivs:"), 0);
    EQ(number_of("Seccomp:"), 0);
    CHECK(hex_of("Cpus_allowed:") > 0);
    CHECK(number_of("VmSize:") >= number_of("VmRSS:"));
    EQ(number_of("VmRSS:"), number_of("RssAnon:") + number_of("RssFile:") + number_of("RssShmem:"));
    CHECK(value_of("voluntary_ctxt_switches:") && value_of("nonvoluntary_ctxt_switches:"));
    long size_kb = number_of("VmSize:"), n_switches = number_of("voluntary_ctxt_switches:");
    CHECK(slurp("/proc/self/statm") > 0);
    EQ(word_number(text, 0) * 4, size_kb);
    EQ(count_words(text), 7);

    CHECK(slurp("/proc/self/stat") > 0);
    EQ(count_words(text), 52);
    EQ(word_number(text, 0), pid);
    EQ(*stat_field(3), 'R');
    EQ(stat_number(4), sys(getppid));
    EQ(stat_number(5), sys(getpgid, 0));
    EQ(stat_number(6), sys(getsid, 0));
    EQ(stat_number(18), 20);
    EQ(stat_number(19), 0);
    EQ(stat_number(20), 1);
    EQ(stat_number(21), 0);
    EQ(stat_number(23), size_kb * 1024);
    EQ(stat_number(29), 0);
    EQ(stat_number(30), 0);
    EQ(stat_number(38), SIGCHLD);
    EQ(stat_number(41), 0);
    EQ(stat_number(52), 0);
    CHECK(stat_number(26) <= (long)status_and_stat && stat_number(27) > (long)status_and_stat);
    CHECK(stat_number(28) > (long)&uid && stat_number(28) < (long)&uid + 65536);

    for (int i = 0; i < 3; i++)
        nap(1);
    CHECK(slurp("/proc/self/status") > 0);
    CHECK(number_of("voluntary_ctxt_switches:") >= n_switches + 3);
}

static void follows(void)
{
    // the signal masks
    unsigned long blocked = 1UL << (SIGUSR1 - 1) | 1UL << (40 - 1);
    EQ(sys(rt_sigprocmask, SIG_BLOCK, &blocked, NULL, 8), 0);
    raw_handle(SIGUSR2, on_signal, 0);
    raw_handle(SIGHUP, (raw_handler *)(uintptr_t)1, 0);     // SIG_IGN
    EQ(sys(kill, self(), SIGUSR1), 0);
    EQ(sys(tkill, self(), 40), 0);
    EQ(sys(tkill, self(), 40), 0);
    CHECK(slurp("/proc/self/status") > 0);
    EQ(hex_of("SigBlk:"), blocked);
    EQ(hex_of("SigCgt:"), 1UL << (SIGUSR2 - 1));
    EQ(hex_of("SigIgn:") & 1, 1);
    EQ(hex_of("ShdPnd:"), 1UL << (SIGUSR1 - 1));
    EQ(hex_of("SigPnd:"), 1UL << (40 - 1));
    CHECK(slurp("/proc/self/stat") > 0);
    EQ(stat_number(31), 0);                                 // of the thread alone, and old signals only
    EQ(stat_number(32), 1UL << (SIGUSR1 - 1));
    EQ(stat_number(34), 1UL << (SIGUSR2 - 1));

    // umask, nice, personality, limits, no_new_privs
    sys(umask, 0135);
    CHECK(slurp("/proc/self/status") > 0);
    EQ(parse(value_of("Umask:"), 8), 0135);
    EQ(sys(setpriority, 0, 0, 7), 0);
    CHECK(slurp("/proc/self/stat") > 0);
    EQ(stat_number(18), 27);
    EQ(stat_number(19), 7);
    CHECK(slurp("/proc/self/personality") == 9);
    EQ(parse(text, 16), sys(personality, 0xffffffff));
    struct rlimit limit = {100, 200};
    EQ(sys(setrlimit, RLIMIT_NOFILE, &limit), 0);
    CHECK(slurp("/proc/self/limits") > 0);
    EQ(count_lines(), 17);
    char *row = value_of("Max open files");
    EQ(word_number(row, 0), 100);
    EQ(word_number(row, 1), 200);
    CHECK(starts_with(word(row, 2), "files"));
    EQ(sys(prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    CHECK(slurp("/proc/self/status") > 0);
    EQ(number_of("NoNewPrivs:"), 1);

    // descriptors and the table's size
    CHECK(number_of("FDSize:") >= 64);
    long high = sys(dup2, 1, 90);
    EQ(high, 90);
    CHECK(slurp("/proc/self/status") > 0);
    CHECK(number_of("FDSize:") >= 91);
    EQ(sys(close, 90), 0);
}

static void names(char **argv, char **envp)
{
    EQ(sys(prctl, PR_SET_NAME, "a \\ b", 0, 0, 0), 0);
    EQ(slurp("/proc/self/comm"), 6);
    EQ(strcmp(text, "a \\ b\n"), 0);
    CHECK(slurp("/proc/self/status") > 0);
    CHECK(starts_with(value_of("Name:"), "a \\\\ b\n"));
    CHECK(slurp("/proc/self/stat") > 0);
    CHECK(starts_with(word(text, 1), "(a \\ b) R"));
    EQ(put("/proc/self/comm", "0123456789abcdefXYZ"), 19);  // cut at 15
    EQ(slurp("/proc/self/comm"), 16);
    EQ(strcmp(text, "0123456789abcde\n"), 0);
    EQ(put("/proc/thread-self/comm", "short"), 5);
    EQ(slurp("/proc/self/comm"), 6);

    long n = 0;
    for (char **arg = argv; *arg; arg++)
        n += strlen(*arg) + 1;
    EQ(slurp("/proc/self/cmdline"), n);
    EQ(memcmp(text, argv[0], n), 0);
    argv[0][0] = 'X';                                       // it is read from memory
    EQ(slurp("/proc/self/cmdline"), n);
    EQ(text[0], 'X');
    argv[0][n - 1] = 'Y';                                   // no NUL at the end: a title that goes on behind it
    CHECK(slurp("/proc/self/cmdline") > n);
    EQ(text[n - 1], 'Y');
    if (envp[0])
        EQ(memcmp(text + n, envp[0], strlen(envp[0]) + 1), 0);
    argv[0][1] = 0;
    argv[0][n - 1] = 'Z';
    EQ(slurp("/proc/self/cmdline"), 2);
    argv[0][n - 1] = 0;
    argv[0][1] = 'Y';
    EQ(slurp("/proc/self/cmdline"), n);

    n = 0;
    for (char **one = envp; *one; one++)
        n += strlen(*one) + 1;
    EQ(slurp("/proc/self/environ"), n);
    if (n)
        EQ(memcmp(text, envp[0], n), 0);

    unsigned long *auxv = auxv_after(envp);
    for (n = 0; auxv[n]; n += 2)
        ;
    EQ(slurp("/proc/self/auxv") >= (n + 2) * 8, 1);
    EQ(memcmp(text, auxv, (n + 2) * 8), 0);
}

static void settings(void)
{
    EQ(slurp("/proc/self/oom_score_adj"), 2);
    EQ(put("/proc/self/oom_score_adj", "300\n"), 4);
    EQ(slurp("/proc/self/oom_score_adj"), 4);
    EQ(strcmp(text, "300\n"), 0);
    EQ(put("/proc/self/oom_score_adj", "1001"), -EINVAL);
    EQ(put("/proc/self/oom_score_adj", "-1001"), -EINVAL);
    EQ(put("/proc/self/oom_score_adj", "x"), -EINVAL);
    EQ(put("/proc/self/oom_score_adj", "0x20"), 4);
    EQ(slurp("/proc/self/oom_score_adj"), 3);
    EQ(strcmp(text, "32\n"), 0);
    CHECK(slurp("/proc/self/oom_score") >= 2);
    CHECK(parse(text, 10) > 600);
    CHECK(slurp("/proc/self/status") > 0);
    int may_lower = hex_of("CapEff:") >> 24 & 1;            // CAP_SYS_RESOURCE
    EQ(put("/proc/self/oom_score_adj", "-5"), may_lower ? 2 : -EACCES);

    EQ(slurp("/proc/self/coredump_filter"), 9);
    EQ(put("/proc/self/coredump_filter", "0x7f\n"), 5);
    CHECK(slurp("/proc/self/coredump_filter") == 9);
    EQ(strcmp(text, "0000007f\n"), 0);
    EQ(put("/proc/self/coredump_filter", "-1"), -EINVAL);
    EQ(put("/proc/self/coredump_filter", "seven"), -EINVAL);

    EQ(slurp("/proc/self/timerslack_ns"), 6);
    EQ(put("/proc/self/timerslack_ns", "1234"), 4);
    EQ(sys(prctl, PR_GET_TIMERSLACK, 0, 0, 0, 0), 1234);
    EQ(put("/proc/self/timerslack_ns", "0"), 1);
    EQ(slurp("/proc/self/timerslack_ns"), 6);
    EQ(strcmp(text, "50000\n"), 0);

    EQ(put("/proc/self/clear_refs", "0"), -EINVAL);
    EQ(put("/proc/self/clear_refs", "6"), -EINVAL);
    EQ(put("/proc/self/clear_refs", "1\n"), 2);
    EQ(open_at("/proc/self/clear_refs", O_RDONLY) >= 0, sys(geteuid) == 0);

    EQ(put("/proc/self/uid_map", "0 0 1"), -EPERM);
    EQ(slurp("/proc/self/setgroups"), 6);
    EQ(strcmp(text, "allow\n"), 0);
    CHECK(slurp("/proc/self/sessionid") > 0);
    CHECK(slurp("/proc/self/loginuid") > 0);
    CHECK(text[n_text - 1] != '\n');

    EQ(slurp("/proc/self/wchan"), 1);
    EQ(text[0], '0');
    CHECK(starts_with(text, "0"));
    CHECK(slurp("/proc/self/cgroup") > 0);
    CHECK(slurp("/proc/self/schedstat") > 0);
    EQ(count_words(text), 3);
    CHECK(word_number(text, 0) > 0);
    CHECK(slurp("/proc/self/mountinfo") > 0);
    CHECK(count_words(text) >= 10);
    CHECK(slurp("/proc/self/mounts") > 0);
    EQ(count_words(text), 6);
}

static void counted(void)
{
    char buffer[100];
    long zero = open_at("/dev/zero", O_RDWR);
    CHECK(slurp("/proc/self/io") > 0);
    EQ(count_lines(), 7);
    long rchar = number_of("rchar:"), wchar = number_of("wchar:"), syscr = number_of("syscr:");
    long syscw = number_of("syscw:"), n_before = n_text;
    EQ(sys(read, zero, buffer, 100), 100);
    EQ(sys(pread64, zero, buffer, 50, 0), 50);
    EQ(sys(write, zero, buffer, 30), 30);
    EQ(sys(read, zero, BAD_POINTER, 10), -EFAULT);
    EQ(sys(read, -1, buffer, 10), -EBADF);
    CHECK(slurp("/proc/self/io") > 0);
    EQ(number_of("rchar:") - rchar, 150 + n_before);        // and the text itself
    EQ(number_of("wchar:") - wchar, 30);
    EQ(number_of("syscr:") - syscr, 2 + 2 + 1);             // the text is read in two calls
    EQ(number_of("syscw:") - syscw, 1);
    EQ(number_of("cancelled_write_bytes:"), 0);
    sys(close, zero);
}

int main(int argc, char **argv, char **envp)
{
    (void)argc;
    status_and_stat();
    counted();
    follows();
    names(argv, envp);
    settings();
    return 0;
}
