// proc(5) of others: a child that sleeps, is stopped, is a zombie, is gone; threads; files that stay open meanwhile.
#include "raw_proc.h"

#include <linux/prctl.h>

static long spawn_sleeper(void)
{
    long child = sys(fork);
    if (child == 0) {
        sys(prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        for (;;)
            nap(1000000);
    }
    return child;
}

static char state_of(long pid)
{
    return slurp(proc_path(pid, "stat")) > 0 ? *stat_field(3) : 0;
}

static void await_state(long pid, char state)
{
    for (int i = 0; state_of(pid) != state; i++) {
        check(251, __LINE__, i < 5000, "the state never came");
        nap(1);
    }
}

static void sleeping(void)
{
    long child = spawn_sleeper();
    await_state(child, 'S');
    EQ(stat_number(4), self());
    CHECK(slurp(proc_path(child, "status")) > 0);
    CHECK(starts_with(value_of("State:"), "S (sleeping)\n"));
    EQ(number_of("PPid:"), self());
    EQ(slurp(proc_path(child, "wchan")), 17);
    EQ(strcmp(text, "hrtimer_nanosleep"), 0);
    CHECK(slurp(proc_path(child, "syscall")) > 0);
    EQ(word_number(text, 0), __NR_nanosleep);
    EQ(count_words(text), 9);
    CHECK(lists("/proc", proc_path(child, "") + 6) == 1);

    // the parent lists it as its child
    CHECK(slurp("/proc/thread-self/children") > 0);
    EQ(parse(text, 10), child);

    EQ(sys(kill, child, SIGSTOP), 0);
    await_state(child, 'T');
    CHECK(slurp(proc_path(child, "status")) > 0);
    CHECK(starts_with(value_of("State:"), "T (stopped)\n"));
    EQ(slurp(proc_path(child, "wchan")), 14);
    EQ(strcmp(text, "do_signal_stop"), 0);
    EQ(sys(kill, child, SIGCONT), 0);
    await_state(child, 'S');

    // what may be set of another
    EQ(put(proc_path(child, "comm"), "x"), -EINVAL);
    EQ(put(proc_path(child, "oom_score_adj"), "500"), 3);
    EQ(slurp(proc_path(child, "oom_score_adj")), 4);
    EQ(slurp("/proc/self/oom_score_adj") > 0 && text[0] == '0', 1);

    // descriptors of it, and files that stay open
    CHECK(link_of(proc_path(child, "cwd")) > 0);
    CHECK(link_of(proc_path(child, "exe")) > 0);
    long status = open_at(proc_path(child, "status"), O_RDONLY), maps = open_at(proc_path(child, "maps"), O_RDONLY);
    long mem = open_at(proc_path(child, "mem"), O_RDONLY), cmdline = open_at(proc_path(child, "cmdline"), O_RDONLY);
    long directory = open_at(proc_path(child, ""), O_RDONLY | O_DIRECTORY);
    long task = open_at(proc_path(child, "task"), O_RDONLY | O_DIRECTORY);
    static char same[] = "the same";
    char copy[9];
    EQ(sys(pread64, mem, copy, 9, same), 9);
    EQ(memcmp(copy, same, 9), 0);
    EQ(slurp_fd(maps) > 0, 1);
    EQ(sys(lseek, maps, 0, 0), 0);

    // a zombie
    EQ(sys(kill, child, SIGKILL), 0);
    await_state(child, 'Z');
    EQ(stat_number(20), 1);
    EQ(stat_number(23), 0);
    EQ(stat_number(24), 0);
    EQ(stat_number(26), 0);
    EQ(stat_number(38), SIGCHLD);
    EQ(stat_number(52), SIGKILL);
    CHECK(slurp_fd(status) > 0);
    CHECK(starts_with(value_of("State:"), "Z (zombie)\n"));
    EQ(number_of("FDSize:"), 0);
    EQ(number_of("Threads:"), 1);
    CHECK(value_of("VmSize:") == NULL);
    CHECK(value_of("Umask:") == NULL);
    EQ(slurp_fd(maps), 0);
    EQ(slurp(proc_path(child, "maps")), 0);
    EQ(slurp(proc_path(child, "cmdline")), 0);
    EQ(sys(pread64, mem, copy, 9, same), 0);
    EQ(slurp(proc_path(child, "statm")), 14);
    EQ(strcmp(text, "0 0 0 0 0 0 0\n"), 0);
    EQ(slurp(proc_path(child, "smaps_rollup")), -ESRCH);
    EQ(open_at(proc_path(child, "mounts"), O_RDONLY), -EINVAL);
    EQ(slurp(proc_path(child, "wchan")), 1);
    EQ(slurp(proc_path(child, "oom_score")), 2);
    CHECK(slurp(proc_path(child, "limits")) > 0);
    CHECK(slurp(proc_path(child, "comm")) > 0);
    EQ(slurp(proc_path(child, "coredump_filter")), 0);
    EQ(lists("/proc", proc_path(child, "") + 6), 1);
    EQ(lists(proc_path(child, "task"), proc_path(child, "") + 6), 1);
    if (sys(geteuid) == 0) {
        EQ(link_of(proc_path(child, "exe")), -ENOENT);
        EQ(link_of(proc_path(child, "cwd")), -ENOENT);
        long n = slurp(proc_path(child, "environ"));
        CHECK(n == 0 || n == -ESRCH);                       // to 6.12 and from then on
        EQ(lists(proc_path(child, "fd"), "0"), 0);
    }

    // gone
    EQ(sys(lseek, status, 0, 0), 0);
    EQ(wait_status(child), SIGKILL);
    EQ(slurp_fd(status), -ESRCH);
    EQ(slurp_fd(maps), -ESRCH);
    EQ(slurp_fd(cmdline), -ESRCH);
    EQ(sys(pread64, mem, copy, 9, same), 0);
    char entries[512];
    EQ(sys(getdents64, directory, entries, sizeof entries), -ENOENT);
    EQ(sys(getdents64, task, entries, sizeof entries), -ENOENT);
    EQ(sys(openat, directory, "stat", O_RDONLY), -ESRCH);
    EQ(sys(openat, task, "1", O_RDONLY), -ESRCH);
    EQ(sys(openat, directory, "", O_RDONLY), -ENOENT);
    EQ(open_at(proc_path(child, ""), O_RDONLY), -ENOENT);
    EQ(open_at(proc_path(child, "stat"), O_RDONLY), -ENOENT);
    EQ(lists("/proc", proc_path(child, "") + 6), 0);
    char status_buffer[144];
    EQ(sys(fstat, directory, status_buffer), 0);
    sys(close, status), sys(close, maps), sys(close, mem), sys(close, cmdline), sys(close, directory), sys(close, task);
}

static void waits(void)
{
    static const struct {
        const char *where, *or;                             // the compiler may have put one into the other
        long number;
    } calls[] = {{"do_wait", "-", __NR_wait4}, {"hrtimer_nanosleep", "-", __NR_nanosleep},
                 {"sigsuspend", "-", __NR_rt_sigsuspend}, {"do_sigtimedwait", "-", __NR_rt_sigtimedwait},
                 {"ep_poll", "do_epoll_wait", __NR_epoll_wait}};
    unsigned long none = 0, one = 1UL << 20;
    char event[12];
    for (unsigned i = 0; i < sizeof calls / sizeof *calls; i++) {
        long epoll = sys(epoll_create1, 0), child = sys(fork);
        if (child == 0) {
            sys(prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
            if (i == 0 && spawn_sleeper())
                sys(wait4, -1, NULL, 0, NULL);
            if (i == 1)
                nap(1000000);
            if (i == 2)
                sys(rt_sigsuspend, &none, 8);
            if (i == 3)
                sys(rt_sigtimedwait, &one, NULL, NULL, 8);
            if (i == 4)
                sys(epoll_wait, epoll, event, 1, -1);
            quit(9);
        }
        await_state(child, 'S');
        CHECK(slurp(proc_path(child, "syscall")) > 0);
        EQ(word_number(text, 0), calls[i].number);
        CHECK(slurp(proc_path(child, "wchan")) > 0);
        check(40 + i, __LINE__, starts_with(text, calls[i].where) || starts_with(text, calls[i].or), text);
        long grandchild = slurp(proc_path(child, "task")) < 0 ? 0 : 0;
        if (i == 0) {
            char path[64], *digits = proc_path(child, "") + 6, *end = path;
            for (const char *s = "/proc/"; *s;)
                *end++ = *s++;
            for (char *s = digits; *s;)
                *end++ = *s++;
            for (const char *s = "/task/"; *s;)
                *end++ = *s++;
            for (char *s = digits; *s;)
                *end++ = *s++;
            for (const char *s = "/children"; (*end++ = *s++);)
                ;
            CHECK(slurp(path) > 0);
            grandchild = parse(text, 10);
        }
        sys(kill, child, SIGKILL);
        if (grandchild)
            sys(kill, grandchild, SIGKILL);
        EQ(wait_status(child), SIGKILL);
        sys(close, epoll);
    }
}

// Threads: a directory each, with a name, a mask and counters of their own

static volatile int named, leave;

static void named_thread(void *unused)
{
    (void)unused;
    unsigned long mask = 1UL << 15;
    sys(prctl, PR_SET_NAME, "worker", 0, 0, 0);
    sys(rt_sigprocmask, SIG_BLOCK, &mask, NULL, 8);
    named = 1;
    futex(&named, FUTEX_WAKE, 1, NULL, NULL, 0);
    while (!leave)
        futex(&leave, FUTEX_WAIT, 0, NULL, NULL, 0);
}

static void threads(void)
{
    struct thread thread;
    CHECK(start_thread(&thread, named_thread, NULL, 0, 0) > 0);
    int tid = thread.tid;
    await(&named, 1);
    await_state(tid, 'S');                                  // found by its tid too,
    EQ(lists("/proc", proc_path(tid, "") + 6), 0);          // but not listed
    EQ(lists("/proc/self/task", proc_path(tid, "") + 6), 1);
    EQ(lists("/proc/self/task", proc_path(self(), "") + 6), 1);
    EQ(slurp(proc_path(tid, "comm")), 7);
    EQ(strcmp(text, "worker\n"), 0);
    CHECK(slurp(proc_path(tid, "status")) > 0);
    EQ(number_of("Pid:"), tid);
    EQ(number_of("Tgid:"), self());
    EQ(number_of("Threads:"), 2);
    EQ(hex_of("SigBlk:"), 1UL << 15);
    CHECK(slurp("/proc/self/status") > 0);
    EQ(number_of("Threads:"), 2);
    EQ(hex_of("SigBlk:"), 0);
    CHECK(slurp("/proc/self/stat") > 0);
    EQ(stat_number(20), 2);
    EQ(slurp(proc_path(tid, "wchan")) > 0 && starts_with(text, "futex_"), 1);
    CHECK(slurp(proc_path(tid, "syscall")) > 0);
    EQ(word_number(text, 0), __NR_futex);
    EQ(parse(word(text, 1) + 2, 16), (unsigned long)&leave);
    EQ(parse(word(text, 2) + 2, 16), FUTEX_WAIT);
    EQ(put(proc_path(tid, "comm"), "renamed"), 7);
    EQ(slurp(proc_path(tid, "comm")), 8);
    long comm = open_at(proc_path(tid, "comm"), O_RDONLY);
    EQ(open_at(proc_path(tid, "task"), O_RDONLY) >= 0, 1);
    leave = 1;
    futex(&leave, FUTEX_WAKE, 1, NULL, NULL, 0);
    join_thread(&thread);
    EQ(open_at(proc_path(tid, "comm"), O_RDONLY), -ENOENT);
    EQ(slurp_fd(comm), -ESRCH);
    EQ(lists("/proc/self/task", proc_path(tid, "") + 6), 0);
    CHECK(slurp("/proc/self/status") > 0);
    EQ(number_of("Threads:"), 1);
}

static volatile int leader_is_dead;

static void survivor(void *unused)
{
    (void)unused;
    for (int i = 0; state_of(self()) != 'Z'; i++) {
        check(250, __LINE__, i < 5000, "the leader never became a zombie");
        nap(1);
    }
    EQ(stat_number(20), 2);
    EQ(slurp(proc_path(self(), "cmdline")), 0);
    EQ(lists(proc_path(self(), "task"), proc_path(self(), "") + 6), 1);
    CHECK(slurp("/proc/thread-self/comm") > 0);
    EQ(link_of(proc_path(self(), "exe")), -ENOENT);
    leader_is_dead = 1;
    quit(42);
}

static void leader_first(void)
{
    long child = sys(fork);
    if (child == 0) {
        struct thread thread;
        start_thread(&thread, survivor, NULL, 0, 0);
        sys(exit, 7);
    }
    EQ(wait_status(child), EXITED(42));
}

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    sleeping();
    waits();
    threads();
    leader_first();
    return 0;
}
