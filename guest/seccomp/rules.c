// seccomp(2): who may set a filter, which programs are filters, flags, operations, TSYNC; and what is refused.
#include "raw_seccomp.h"

#define ALLOW RET(SECCOMP_RET_ALLOW)

static volatile int *page;

static int unprivileged(void)
{
    if (sys(getuid) == 0)
        check(1, __LINE__, sys(setresuid, 12345, 12345, 12345) == 0, "setresuid");
    check(2, __LINE__, FILTER(0, ALLOW) == -EACCES, "without no_new_privs");
    check(3, __LINE__, sys(prctl, PR_SET_SECCOMP, 2, BAD_POINTER, 0, 0) == -EFAULT, "the pointer comes first");
    struct sock_fprog none = {0, NULL};
    check(4, __LINE__, sys(prctl, PR_SET_SECCOMP, 2, &none, 0, 0) == -EINVAL, "and the length");
    struct sock_fprog null = {1, NULL};
    check(5, __LINE__, sys(prctl, PR_SET_SECCOMP, 2, &null, 0, 0) == -EACCES, "but not the program");
    no_new_privs();
    check(6, __LINE__, sys(prctl, PR_SET_SECCOMP, 2, &null, 0, 0) == -EINVAL, "NULL");
    struct sock_fprog bad = {1, BAD_POINTER};
    check(7, __LINE__, sys(prctl, PR_SET_SECCOMP, 2, &bad, 0, 0) == -EFAULT, "a bad pointer");
    check(8, __LINE__, FILTER(0, ALLOW) == 0, "with it");
    return 0;
}

#define REFUSED(...) check(__COUNTER__ + 20, __LINE__, FILTER(0, __VA_ARGS__) == -EINVAL, #__VA_ARGS__)
#define TAKEN(...) check(__COUNTER__ + 20, __LINE__, FILTER(0, __VA_ARGS__) == 0, #__VA_ARGS__)

static int programs(void)
{
    no_new_privs();
    REFUSED(LOAD(nr));                                              // no return at the end
    REFUSED(ALLOW, LOAD(nr));
    REFUSED(STMT(BPF_LD | BPF_W | BPF_ABS, 64), ALLOW);             // outside of the data
    REFUSED(STMT(BPF_LD | BPF_W | BPF_ABS, 2), ALLOW);              // unaligned
    REFUSED(STMT(BPF_LD | BPF_W | BPF_ABS, -4096), ALLOW);          // the network's extensions
    REFUSED(STMT(BPF_LD | BPF_H | BPF_ABS, 0), ALLOW);
    REFUSED(STMT(BPF_LD | BPF_B | BPF_ABS, 0), ALLOW);
    REFUSED(STMT(BPF_LD | BPF_W | BPF_IND, 0), ALLOW);
    REFUSED(STMT(BPF_LDX | BPF_B | BPF_MSH, 0), ALLOW);
    REFUSED(STMT(BPF_ALU | BPF_MOD | BPF_K, 3), ALLOW);             // which others may have
    REFUSED(STMT(BPF_ALU | BPF_DIV | BPF_K, 0), ALLOW);
    REFUSED(STMT(BPF_ALU | BPF_LSH | BPF_K, 32), ALLOW);
    REFUSED(STMT(BPF_ALU | BPF_RSH | BPF_K, 32), ALLOW);
    REFUSED(STMT(BPF_LD | BPF_MEM, 16), ALLOW);
    REFUSED(STMT(BPF_ST, 16), ALLOW);
    REFUSED(STMT(BPF_LD | BPF_MEM, 3), ALLOW);                      // never written
    REFUSED(LOAD(nr), JUMP(BPF_JMP | BPF_JEQ | BPF_K, 1, 0, 1), STMT(BPF_ST, 3), STMT(BPF_LD | BPF_MEM, 3), ALLOW);
    REFUSED(STMT(BPF_JMP | BPF_JA, 1), ALLOW);
    REFUSED(STMT(BPF_JMP | BPF_JA, -1), ALLOW);
    REFUSED(JUMP(BPF_JMP | BPF_JEQ | BPF_K, 1, 0, 1), ALLOW);
    REFUSED(STMT(BPF_RET | BPF_X, 0));
    REFUSED(STMT(0xffff, 0), ALLOW);
    REFUSED(STMT(BPF_LD | BPF_W | BPF_ABS | 0x100, 0), ALLOW);
    TAKEN(STMT(BPF_LD | BPF_W | BPF_LEN, 99), STMT(BPF_MISC | BPF_TAX, 0), STMT(BPF_LDX | BPF_W | BPF_LEN, 0), ALLOW);
    TAKEN(LOAD(nr), STMT(BPF_ST, 3), STMT(BPF_LDX | BPF_MEM, 3), STMT(BPF_STX, 15), ALLOW);
    TAKEN(LOAD(nr), JUMP(BPF_JMP | BPF_JEQ | BPF_K, 1, 0, 1), ALLOW, STMT(BPF_LD | BPF_IMM, SECCOMP_RET_ALLOW),
          STMT(BPF_RET | BPF_A, 0));
    TAKEN(STMT(BPF_ALU | BPF_NEG, 7), STMT(BPF_JMP | BPF_JA, 0), ALLOW);
    static struct sock_filter many[4097];
    for (int i = 0; i < 4097; i++)
        many[i] = (struct sock_filter)ALLOW;
    check(100, __LINE__, set_filter(0, many, 4097) == -EINVAL, "too long");
    for (int i = 0; i < 3; i++)                         // each return counts as two instructions
        check(101, __LINE__, set_filter(0, many, 4096) == 0, "as long as may be");
    check(102, __LINE__, set_filter(0, many, 4096) == -ENOMEM, "too much together");
    return 0;
}

static int arithmetic(void)
{
    no_new_privs();
    // getpriority(a, b) is answered by a function of the two
    static const struct sock_filter insns[] = {
        LOAD(nr),
        JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_getpriority, 1, 0),
        ALLOW,
        LOAD_ARG(1),
        STMT(BPF_MISC | BPF_TAX, 0),
        LOAD_ARG(0),
        STMT(BPF_ALU | BPF_DIV | BPF_X, 0),             // by 0: the filter ends with 0, which kills
        STMT(BPF_ALU | BPF_MUL | BPF_K, 3),
        STMT(BPF_ALU | BPF_LSH | BPF_X, 0),             // by more than 31 too
        STMT(BPF_ALU | BPF_RSH | BPF_K, 1),
        STMT(BPF_ALU | BPF_XOR | BPF_X, 0),
        STMT(BPF_ALU | BPF_SUB | BPF_K, 1),
        STMT(BPF_ALU | BPF_AND | BPF_K, 0x7ff),
        STMT(BPF_ALU | BPF_OR | BPF_K, SECCOMP_RET_ERRNO),
        STMT(BPF_RET | BPF_A, 0),
    };
    check(110, __LINE__, set_filter(0, insns, sizeof insns / sizeof *insns) == 0, "filter");
    for (unsigned a = 1; a < 60; a += 7)
        for (unsigned b = 1; b < 50; b += 3) {
            unsigned wanted = (((((a / b * 3) << (b & 31)) >> 1) ^ b) - 1) & 0x7ff;
            check(111, __LINE__, sys(getpriority, a, b) == -(long)wanted, "the function");
        }
    sys(getpriority, 1, 0);
    return 1;
}

static int operations(void)
{
    unsigned action = SECCOMP_RET_TRAP;
    struct { unsigned short notif, resp, data, more; } sizes = {0, 0, 0, 0x7777};
    check(130, __LINE__, sys(seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0, "available");
    action = SECCOMP_RET_TRAP | 1;
    check(131, __LINE__, sys(seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == -EOPNOTSUPP, "not available");
    check(132, __LINE__, sys(seccomp, SECCOMP_GET_ACTION_AVAIL, 1, &action) == -EINVAL, "flags");
    check(133, __LINE__, sys(seccomp, SECCOMP_GET_ACTION_AVAIL, 0, BAD_POINTER) == -EFAULT, "pointer");
    check(134, __LINE__, sys(seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes) == 0, "sizes");
    check(135, __LINE__, sizes.notif == 80 && sizes.resp == 24 && sizes.data == 64 && sizes.more == 0x7777, "sizes");
    check(136, __LINE__, sys(seccomp, SECCOMP_GET_NOTIF_SIZES, 1, &sizes) == -EINVAL, "flags");
    check(137, __LINE__, sys(seccomp, SECCOMP_GET_NOTIF_SIZES, 0, BAD_POINTER) == -EFAULT, "pointer");
    check(138, __LINE__, sys(seccomp, 77, 0, NULL) == -EINVAL, "operation");
    check(139, __LINE__, sys(seccomp, SECCOMP_SET_MODE_STRICT, 1, NULL) == -EINVAL, "flags");
    check(140, __LINE__, sys(seccomp, SECCOMP_SET_MODE_STRICT, 0, &action) == -EINVAL, "argument");
    check(141, __LINE__, sys(prctl, PR_SET_SECCOMP, 3, 0, 0, 0) == -EINVAL, "mode");
    check(142, __LINE__, sys(prctl, PR_SET_SECCOMP, 0, 0, 0, 0) == -EINVAL, "mode");
    no_new_privs();
    check(143, __LINE__, FILTER(0x40, ALLOW) == -EINVAL, "unknown flag");
    check(144, __LINE__, FILTER(SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_NEW_LISTENER, ALLOW) == -EINVAL, "both");
    check(145, __LINE__, FILTER(SECCOMP_FILTER_FLAG_LOG | SECCOMP_FILTER_FLAG_SPEC_ALLOW, ALLOW) == 0, "flags");
    check(146, __LINE__, FILTER(0x20, ALLOW) == -EINVAL, "WAIT_KILLABLE_RECV without a listener");
    check(147, __LINE__, sys(seccomp, SECCOMP_SET_MODE_STRICT, 0, NULL) == -EINVAL, "filters, then strict");
    check(148, __LINE__, FILTER(SECCOMP_FILTER_FLAG_TSYNC, ALLOW) == 0, "one thread");
    return 0;
}

static void waiting(void *argument)
{
    if (argument)
        check(160, __LINE__, ON(0, __NR_getuid, SECCOMP_RET_ERRNO | 3) == 0, "a filter of its own");
    page[0]++;
    await(page + 1, 1);
    page[2] = sys(getppid);
    page[3] = sys(prctl, PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0);
    page[4] = sys(prctl, PR_GET_SECCOMP, 0, 0, 0, 0);
}

static int synchronized(void)
{
    struct thread thread;
    page[0] = page[1] = 0;
    start_thread(&thread, waiting, NULL, 0, 0);
    await(page, 1);
    no_new_privs();
    check(150, __LINE__, ON(0, __NR_getgid, SECCOMP_RET_ERRNO | 2) == 0, "one before");
    check(151, __LINE__, ON(SECCOMP_FILTER_FLAG_TSYNC, __NR_getppid, SECCOMP_RET_ERRNO | 9) == 0, "for all");
    page[1] = 1;
    join_thread(&thread);
    check(152, __LINE__, page[2] == -9, "the other thread has it");
    check(153, __LINE__, page[3] == 1, "and no_new_privs");
    check(154, __LINE__, page[4] == 2, "and the mode");
    page[0] = page[1] = 0;
    start_thread(&thread, waiting, (void *)1, 0, 0);
    await(page, 1);
    check(155, __LINE__, ON(SECCOMP_FILTER_FLAG_TSYNC, __NR_getppid, SECCOMP_RET_ERRNO | 8) == thread.tid, "its tid");
    check(156, __LINE__, ON(SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_TSYNC_ESRCH, __NR_getppid,
                            SECCOMP_RET_ERRNO | 8) == -ESRCH, "or ESRCH");
    check(157, __LINE__, sys(getppid) == -9, "nothing was set");
    page[1] = 1;
    join_thread(&thread);
    return 0;
}

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    page = shared(PAGE);
    EQ(in_child(unprivileged), EXITED(0));
    EQ(in_child(programs), EXITED(0));
    EQ(in_child(arithmetic) & 0x7f, SIGSYS);
    EQ(in_child(operations), EXITED(0));
    EQ(in_child(synchronized), EXITED(0));
    return 0;
}
