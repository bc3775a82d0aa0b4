// Tracers without a libc: a child that asks to be traced, waits for its stops, and words for what they say.
#ifndef RAW_PTRACE_H
#define RAW_PTRACE_H

#include "raw_process.h"

#include <asm/ptrace-abi.h>
#include <linux/elf.h>
#include <linux/ptrace.h>

#define TRACE(request, pid, addr, data) sys(ptrace, request, pid, addr, data)
#define EVENT_STOP(event) STOPPED(SIGTRAP | (event) << 8)
#define GROUP_STOP(signo) STOPPED((signo) | PTRACE_EVENT_STOP << 8)
#define SYSCALL_STOP STOPPED(SIGTRAP | 0x80)

struct user_regs {
    unsigned long r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi, orig_rax, rip, cs, eflags, rsp,
        ss, fs_base, gs_base, ds, es, fs, gs;
};
#define USER(member) offsetof(struct user_regs, member)
#define USER_DEBUG(n) (848 + 8 * (n))

// What wait4 gives of a thread, whatever kind of thread it is
static inline int next_stop(long pid)
{
    int status = -1;
    long got;
    while ((got = sys(wait4, pid, &status, __WALL, NULL)) == -EINTR)
        ;
    check(250, __LINE__, got == pid, "wait4 did not give the tracee");
    return status;
}

// The news that there is now, or 0
static inline int stop_now(long pid)
{
    int status = 0;
    long got = sys(wait4, pid, &status, __WALL | WNOHANG, NULL);
    return got < 0 ? (int)got : status;
}

static inline struct user_regs registers(long pid)
{
    struct user_regs regs;
    check(249, __LINE__, TRACE(PTRACE_GETREGS, pid, 0, &regs) == 0, "PTRACE_GETREGS");
    return regs;
}

static inline long peek_user(long pid, long offset)
{
    long word = 0;
    check(248, __LINE__, TRACE(PTRACE_PEEKUSR, pid, offset, &word) == 0, "PTRACE_PEEKUSR");
    return word;
}

static inline long peek(long pid, const volatile void *address)
{
    long word = 0;
    check(247, __LINE__, TRACE(PTRACE_PEEKDATA, pid, address, &word) == 0, "PTRACE_PEEKDATA");
    return word;
}

static inline unsigned long event_message(long pid)
{
    unsigned long message = -1;
    check(246, __LINE__, TRACE(PTRACE_GETEVENTMSG, pid, 0, &message) == 0, "PTRACE_GETEVENTMSG");
    return message;
}

static inline siginfo_t siginfo(long pid)
{
    siginfo_t info;
    memset(&info, 0, sizeof info);
    check(245, __LINE__, TRACE(PTRACE_GETSIGINFO, pid, 0, &info) == 0, "PTRACE_GETSIGINFO");
    return info;
}

// Wait until a process is in this state: S for asleep, T stopped, t stopped by its tracer, Z dead
static inline void await_state(long pid, char state)
{
    char path[32] = "/proc/", text[512], digits[24];
    int length = 6;
    digits[23] = 0;
    for (char *digit = print_number(digits + 23, pid, 10); *digit;)
        path[length++] = *digit++;
    memcpy(path + length, "/status", 8);
    for (int i = 0;; i++) {
        long fd = sys(open, path, O_RDONLY), got = sys(read, fd, text, sizeof text - 1);
        sys(close, fd);
        check(242, __LINE__, got > 0 && i < 20000, "waited in vain");
        text[got] = 0;
        char *at = text;
        while (*at && memcmp(at, "State:\t", 7))
            at++;
        if (*at && at[7] == state)
            return;
        nap(1);
    }
}

// A child that is traced and has stopped itself; it runs `body` and exits with what that gives.
static inline long traced(int (*body)(void))
{
    long pid = sys(fork);
    if (pid == 0) {
        check(244, __LINE__, TRACE(PTRACE_TRACEME, 0, 0, 0) == 0, "PTRACE_TRACEME");
        sys(kill, self(), SIGSTOP);
        quit(body());
    }
    check(243, __LINE__, next_stop(pid) == STOPPED(SIGSTOP), "the tracee did not stop");
    return pid;
}

#endif
