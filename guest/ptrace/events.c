// ptrace(2): PTRACE_O_TRACE*: forks, threads, execs and exits that are told, who is traced then, and how ends are told.
#include "raw_ptrace.h"

static volatile int *page;
static char *self_path;
static char **environment;

#define ALL_FORKS (PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEVFORKDONE)

static void cont(long pid, int signo)
{
    check(201, __LINE__, TRACE(PTRACE_CONT, pid, 0, signo) == 0, "PTRACE_CONT");
}

static int forker(void)
{
    long child = sys(fork);
    if (child == 0)
        quit(21);
    page[0] = child;
    page[1] = wait_status(child);
    return 1;
}

static int vforker(void)
{
    long child = sys(vfork);
    if (child == 0)
        sys(exit_group, 22);
    page[0] = child;
    page[1] = wait_status(child);
    return 2;
}

static void body(void *argument)
{
    page[2] = (long)argument;
    page[3] = sys(gettid);
    if ((long)argument == 2)
        sys(exit_group, 44);
    sys(exit, 33);
}

static int threader(void)
{
    struct thread thread;
    page[0] = start_thread(&thread, body, (void *)1, 0, 0);
    join_thread(&thread);
    return 3;
}

static int group_exiter(void)
{
    struct thread thread;
    start_thread(&thread, body, (void *)2, 0, 0);
    for (;;)
        sys(pause);
    return 0;
}

static int execer(void)
{
    char *argv[] = {self_path, "42", NULL};
    return sys(execve, self_path, argv, environment);
}

static void exec_body(void *argument)
{
    (void)argument;
    execer();
}

static int thread_execer(void)
{
    struct thread thread;
    start_thread(&thread, exec_body, NULL, 0, 0);
    for (;;)
        sys(pause);
    return 0;
}

static int leader_first(void)
{
    struct thread thread;
    page[5] = 1;
    start_thread(&thread, body, (void *)3, 0, 0);
    sys(set_tid_address, page + 5);                     // cleared when it ends
    sys(exit, 55);
    return 0;
}

// The event that must come now
static void expect(long pid, int event)
{
    equal(202, __LINE__, next_stop(pid), EVENT_STOP(event), "status");
    siginfo_t info = siginfo(pid);
    equal(203, __LINE__, info.si_code, SIGTRAP | event << 8, "si_code");
}

int main(int argc, char **argv, char **envp)
{
    if (argc > 1)
        return 42;
    self_path = argv[0];
    environment = envp;
    page = shared(PAGE);
    int status;
    siginfo_t info;

    // not told: nobody else is traced
    long pid = traced(forker);
    cont(pid, 0);
    EQ(next_stop(pid), STOPPED(SIGCHLD));
    cont(pid, SIGCHLD);
    EQ(next_stop(pid), EXITED(1));
    EQ(page[1], EXITED(21));

    // fork
    pid = traced(forker);
    EQ(TRACE(PTRACE_SETOPTIONS, pid, 0, ALL_FORKS | PTRACE_O_TRACESYSGOOD), 0);
    cont(pid, 0);
    expect(pid, PTRACE_EVENT_FORK);
    EQ(peek_user(pid, USER(rax)), -ENOSYS);
    EQ(peek_user(pid, USER(orig_rax)), __NR_fork);
    long child = event_message(pid);
    CHECK(child > 0);
    EQ(next_stop(child), STOPPED(SIGSTOP));
    info = siginfo(child);
    EQ(info.si_code, SI_USER);
    EQ(info.si_pid, 0);
    EQ(peek_user(child, USER(rax)), 0);
    EQ(peek_user(child, USER(orig_rax)), __NR_fork);
    cont(child, 0);
    EQ(next_stop(child), EXITED(21));                   // the tracer first; then the parent gets its SIGCHLD
    cont(pid, 0);
    EQ(next_stop(pid), STOPPED(SIGCHLD));
    info = siginfo(pid);
    EQ(info.si_pid, child);
    EQ(info.si_status, 21);
    cont(pid, SIGCHLD);
    EQ(next_stop(pid), EXITED(1));
    EQ(page[0], child);
    EQ(page[1], EXITED(21));

    // vfork, and its end
    pid = traced(vforker);
    EQ(TRACE(PTRACE_SETOPTIONS, pid, 0, ALL_FORKS), 0);
    cont(pid, 0);
    expect(pid, PTRACE_EVENT_VFORK);
    child = event_message(pid);
    cont(pid, 0);
    EQ(next_stop(child), STOPPED(SIGSTOP));
    EQ(stop_now(pid), 0);                               // it waits for the child
    cont(child, 0);
    EQ(next_stop(child), EXITED(22));
    expect(pid, PTRACE_EVENT_VFORK_DONE);
    EQ(event_message(pid), child);
    EQ(peek_user(pid, USER(rax)), -ENOSYS);
    EQ(TRACE(PTRACE_DETACH, pid, 0, 0), 0);
    EQ(wait_status(pid), EXITED(2));
    EQ(page[1], EXITED(22));

    // threads: each is waited for by its tid
    pid = traced(threader);
    EQ(TRACE(PTRACE_SETOPTIONS, pid, 0, ALL_FORKS), 0);
    cont(pid, 0);
    expect(pid, PTRACE_EVENT_CLONE);
    long tid = event_message(pid);
    EQ(next_stop(tid), STOPPED(SIGSTOP));
    EQ(sys(tgkill, pid, tid, 0), 0);
    cont(tid, 0);
    EQ(next_stop(tid), EXITED(33));
    cont(pid, 0);
    EQ(next_stop(pid), EXITED(3));
    EQ(page[3], tid);
    EQ(page[2], 1);

    // PTRACE_EVENT_EXIT: the status is the message, and all is still there
    pid = traced(threader);
    EQ(TRACE(PTRACE_SETOPTIONS, pid, 0, ALL_FORKS | PTRACE_O_TRACEEXIT), 0);
    cont(pid, 0);
    expect(pid, PTRACE_EVENT_CLONE);
    tid = event_message(pid);
    EQ(next_stop(tid), STOPPED(SIGSTOP));
    cont(tid, 0);
    expect(tid, PTRACE_EVENT_EXIT);
    EQ(event_message(tid), EXITED(33));
    EQ((int)peek(tid, page + 3), tid);
    EQ(peek_user(tid, USER(orig_rax)), __NR_exit);
    cont(tid, 0);
    EQ(next_stop(tid), EXITED(33));
    cont(pid, 0);
    expect(pid, PTRACE_EVENT_EXIT);
    EQ(event_message(pid), EXITED(3));
    cont(pid, 0);
    EQ(next_stop(pid), EXITED(3));

    // exit_group by one thread is the end of all; each tells
    pid = traced(group_exiter);
    EQ(TRACE(PTRACE_SETOPTIONS, pid, 0, ALL_FORKS | PTRACE_O_TRACEEXIT), 0);
    cont(pid, 0);
    expect(pid, PTRACE_EVENT_CLONE);
    tid = event_message(pid);
    cont(pid, 0);
    EQ(next_stop(tid), STOPPED(SIGSTOP));
    nap(5);
    cont(tid, 0);
    expect(pid, PTRACE_EVENT_EXIT);
    EQ(event_message(pid), EXITED(44));
    expect(tid, PTRACE_EVENT_EXIT);
    EQ(event_message(tid), EXITED(44));
    cont(pid, 0);
    nap(5);
    EQ(stop_now(pid), 0);                               // the first thread is told last
    cont(tid, 0);
    EQ(next_stop(tid), EXITED(44));
    EQ(next_stop(pid), EXITED(44));

    // killed: an exit event comes even then, and another signal does not end that
    pid = traced(group_exiter);
    EQ(TRACE(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACEEXIT), 0);
    EQ(sys(kill, pid, SIGKILL), 0);
    expect(pid, PTRACE_EVENT_EXIT);
    EQ(event_message(pid), SIGKILL);
    EQ(sys(kill, pid, SIGKILL), 0);
    EQ(stop_now(pid), 0);
    cont(pid, 0);
    EQ(next_stop(pid), SIGKILL);

    // the first thread ends first: it is told when the last has ended
    pid = traced(leader_first);
    EQ(TRACE(PTRACE_SETOPTIONS, pid, 0, ALL_FORKS), 0);
    cont(pid, 0);
    expect(pid, PTRACE_EVENT_CLONE);
    tid = event_message(pid);
    EQ(next_stop(tid), STOPPED(SIGSTOP));
    cont(pid, 0);
    await(page + 5, 0);
    EQ(stop_now(pid), 0);
    cont(tid, 0);
    EQ(next_stop(tid), EXITED(33));
    EQ(next_stop(pid), EXITED(33));                     // with the status of the last

    // exec: without the option a SIGTRAP, which can be suppressed
    pid = traced(execer);
    cont(pid, 0);
    EQ(next_stop(pid), STOPPED(SIGTRAP));
    info = siginfo(pid);
    EQ(info.si_code, SI_USER);
    EQ(info.si_pid, pid);
    cont(pid, 0);
    EQ(next_stop(pid), EXITED(42));
    pid = traced(execer);
    cont(pid, 0);
    EQ(next_stop(pid), STOPPED(SIGTRAP));
    cont(pid, SIGTRAP);
    EQ(next_stop(pid) & 0x7f, SIGTRAP);

    // and with it an event, before the call ends
    pid = traced(execer);
    EQ(TRACE(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACEEXEC | PTRACE_O_TRACESYSGOOD), 0);
    EQ(TRACE(PTRACE_SYSCALL, pid, 0, 0), 0);
    EQ(next_stop(pid), SYSCALL_STOP);
    EQ(TRACE(PTRACE_SYSCALL, pid, 0, 0), 0);
    expect(pid, PTRACE_EVENT_EXEC);
    EQ(event_message(pid), pid);
    EQ(peek_user(pid, USER(rax)), -ENOSYS);
    EQ(peek_user(pid, USER(orig_rax)), __NR_execve);
    EQ(peek_user(pid, USER(rdi)), 0);
    EQ(TRACE(PTRACE_SYSCALL, pid, 0, 0), 0);
    EQ(next_stop(pid), SYSCALL_STOP);
    EQ(peek_user(pid, USER(orig_rax)), __NR_execve);
    EQ(peek_user(pid, USER(rax)), 0);
    EQ(TRACE(PTRACE_SYSCALL, pid, 0, 0), 0);
    EQ(next_stop(pid), SYSCALL_STOP);
    EQ(peek_user(pid, USER(orig_rax)), __NR_exit_group);
    cont(pid, 0);
    EQ(next_stop(pid), EXITED(42));

    // exec by a thread: it becomes the first, whose end nobody is told
    pid = traced(thread_execer);
    EQ(TRACE(PTRACE_SETOPTIONS, pid, 0, ALL_FORKS | PTRACE_O_TRACEEXEC), 0);
    cont(pid, 0);
    expect(pid, PTRACE_EVENT_CLONE);
    tid = event_message(pid);
    cont(pid, 0);
    EQ(next_stop(tid), STOPPED(SIGSTOP));
    cont(tid, 0);
    expect(pid, PTRACE_EVENT_EXEC);
    EQ(event_message(pid), tid);
    EQ(sys(wait4, tid, &status, __WALL | WNOHANG, NULL), -ECHILD);
    cont(pid, 0);
    EQ(next_stop(pid), EXITED(42));
    return 0;
}
