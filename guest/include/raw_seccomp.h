// Filters without a libc: a few words of classic BPF, and how a filter is put on.
#ifndef RAW_SECCOMP_H
#define RAW_SECCOMP_H

#include "raw_process.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/prctl.h>
#include <linux/seccomp.h>

#define STMT(code, k) {(unsigned short)(code), 0, 0, (k)}
#define JUMP(code, k, jt, jf) {(unsigned short)(code), (jt), (jf), (k)}
#define LOAD(member) STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, member))
#define LOAD_ARG(n) STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[n]))
#define RET(value) STMT(BPF_RET | BPF_K, value)
#define IF_EQUAL(value, result) JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1), RET(result)

static inline long set_filter(unsigned flags, const struct sock_filter *insns, int n)
{
    struct sock_fprog program = {n, (struct sock_filter *)insns};
    return sys(seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
}

#define FILTER(flags, ...)                                                                                             \
    ({                                                                                                                 \
        static const struct sock_filter insns[] = {__VA_ARGS__};                                                       \
        set_filter(flags, insns, sizeof insns / sizeof *insns);                                                        \
    })

// A filter that answers one call with `result` and allows the others
#define ON(flags, number, result)                                                                                      \
    ({                                                                                                                 \
        struct sock_filter one[] = {LOAD(nr), IF_EQUAL(number, result), RET(SECCOMP_RET_ALLOW)};                       \
        set_filter(flags, one, 4);                                                                                     \
    })

// A child that runs `body` and exits with what that gives; its wait status
static inline int in_child(int (*body)(void))
{
    long pid = sys(fork);
    if (pid == 0)
        quit(body());
    return wait_status(pid);
}

static inline void no_new_privs(void)
{
    check(230, __LINE__, sys(prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "PR_SET_NO_NEW_PRIVS");
}

#endif
