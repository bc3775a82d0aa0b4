// ptrace(2): struct user, the register sets, the debug registers, memory; and what is refused.
#include "raw_ptrace.h"
#include <asm/prctl.h>

static volatile int *page;
static const char constant[16] = "constant text!!";
static volatile long variable = 0x1111;
struct iovec { void *base; unsigned long length; };

static int forever(void)
{
    for (;;)
        sys(pause);
    return 0;
}

static long read_debug(long pid, int n)
{
    return peek_user(pid, USER_DEBUG(n));
}

static int with_registers(void)
{
    double a = 1.5;
    long result;
    __asm__ volatile("movsd %1, %%xmm3\n"
                     "fldpi\n"
                     "mov $0x123456789abc, %%r12\n"
                     "int3\n"
                     "mov %%r12, %0\n"
                     "movq %%xmm3, %%rax\n"
                     "mov %%rax, %1\n"
                     "fstp %%st(0)\n"
                     : "=r"(result), "+m"(a) : : "r12", "rax", "xmm3", "memory");
    page[0] = result;
    page[1] = a == 2.5;
    return 0;
}

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    page = shared(PAGE);
    unsigned long word = 0;
    struct user_regs regs, partial;
    struct iovec set;
    unsigned char fp[512], more[512];

    // who may not
    EQ(TRACE(PTRACE_PEEKDATA, self(), &variable, &word), -ESRCH);
    EQ(TRACE(PTRACE_CONT, 1 << 29, 0, 0), -ESRCH);
    EQ(TRACE(PTRACE_ATTACH, 1 << 29, 0, 0), -ESRCH);
    EQ(TRACE(PTRACE_ATTACH, self(), 0, 0), -EPERM);
    EQ(TRACE(PTRACE_SEIZE, self(), 0, 0), -EPERM);
    EQ(TRACE(PTRACE_SEIZE, self(), 1, 0), -EIO);
    EQ(TRACE(PTRACE_SEIZE, self(), 0, 1 << 30), -EIO);
    EQ(TRACE(PTRACE_CONT, 0, 0, 0), -ESRCH);
    EQ(TRACE(PTRACE_CONT, -1, 0, 0), -ESRCH);
    EQ(TRACE(9999, self(), 0, 0), -ESRCH);

    long pid = traced(with_registers);
    EQ(TRACE(9999, pid, 0, 0), -EIO);
    EQ(TRACE(PTRACE_ATTACH, pid, 0, 0), -EPERM);
    EQ(TRACE(PTRACE_SEIZE, pid, 0, 0), -EPERM);
    EQ(TRACE(PTRACE_SETOPTIONS, pid, 0, 1 << 30), -EINVAL);
    EQ(TRACE(PTRACE_INTERRUPT, pid, 0, 0), -EIO);
    EQ(TRACE(PTRACE_GETFPXREGS, pid, 0, fp), -EIO);
    EQ(TRACE(PTRACE_CONT, pid, 0, 0), 0);
    EQ(next_stop(pid), STOPPED(SIGTRAP));

    // struct user
    EQ(peek_user(pid, USER(r12)), 0x123456789abc);
    EQ(TRACE(PTRACE_PEEKUSR, pid, 4, &word), -EIO);
    EQ(TRACE(PTRACE_PEEKUSR, pid, -8L, &word), -EIO);
    EQ(TRACE(PTRACE_PEEKUSR, pid, 928, &word), -EIO);
    EQ(TRACE(PTRACE_PEEKUSR, pid, 920, &word), 0);      // its end
    EQ(TRACE(PTRACE_PEEKUSR, pid, 300, &word), -EIO);
    word = 7;
    EQ(TRACE(PTRACE_PEEKUSR, pid, 304, &word), 0);      // what the kernel has not is 0
    EQ(word, 0);
    EQ(TRACE(PTRACE_POKEUSR, pid, 304, 1), -EIO);
    EQ(TRACE(PTRACE_PEEKUSR, pid, USER(rip), BAD_POINTER), -EFAULT);
    EQ(TRACE(PTRACE_POKEUSR, pid, USER(fs_base), 0x0000800000000000), -EIO);
    EQ(TRACE(PTRACE_POKEUSR, pid, USER(gs_base), 0x7000), 0);
    EQ(peek_user(pid, USER(gs_base)), 0x7000);
    EQ(TRACE(PTRACE_POKEUSR, pid, USER(cs), 0), -EIO);
    EQ(TRACE(PTRACE_POKEUSR, pid, USER(cs), 0x10), -EIO);
    EQ(TRACE(PTRACE_POKEUSR, pid, USER(ss), 0), -EIO);
    EQ(TRACE(PTRACE_POKEUSR, pid, USER(ds), 0x10), -EIO);
    long flags = peek_user(pid, USER(eflags));
    EQ(TRACE(PTRACE_POKEUSR, pid, USER(eflags), -1), 0);
    EQ(peek_user(pid, USER(eflags)), flags | 0x54dd5);
    EQ(TRACE(PTRACE_POKEUSR, pid, USER(eflags), flags), 0);
    EQ(TRACE(PTRACE_POKEUSR, pid, USER(r12), 99), 0);
    regs = registers(pid);
    EQ(regs.r12, 99);
    EQ(regs.orig_rax, -1);

    // register sets
    set = (struct iovec){&partial, sizeof partial + 800};
    memset(&partial, 0, sizeof partial);
    EQ(TRACE(PTRACE_GETREGSET, pid, NT_PRSTATUS, &set), 0);
    EQ(set.length, sizeof partial);
    EQ(memcmp(&partial, &regs, sizeof regs), 0);
    set.length = 16;
    memset(&partial, 0, sizeof partial);
    EQ(TRACE(PTRACE_GETREGSET, pid, NT_PRSTATUS, &set), 0);
    EQ(set.length, 16);
    EQ(partial.r14, regs.r14);
    EQ(partial.r13, 0);
    set.length = 12;
    EQ(TRACE(PTRACE_GETREGSET, pid, NT_PRSTATUS, &set), -EINVAL);
    EQ(TRACE(PTRACE_GETREGSET, pid, 0x777, &set), -EINVAL);
    set = (struct iovec){BAD_POINTER, sizeof regs};
    EQ(TRACE(PTRACE_GETREGSET, pid, NT_PRSTATUS, &set), -EFAULT);
    EQ(TRACE(PTRACE_GETREGSET, pid, NT_PRSTATUS, BAD_POINTER), -EFAULT);
    EQ(TRACE(PTRACE_GETREGS, pid, 0, BAD_POINTER), -EFAULT);
    EQ(TRACE(PTRACE_SETREGS, pid, 0, BAD_POINTER), -EFAULT);
    partial = regs, partial.r15 = 15, partial.r14 = 14, partial.r13 = 13;
    set = (struct iovec){&partial, 16};
    EQ(TRACE(PTRACE_SETREGSET, pid, NT_PRSTATUS, &set), 0);
    EQ(peek_user(pid, USER(r15)), 15);
    EQ(peek_user(pid, USER(r14)), 14);
    EQ(peek_user(pid, USER(r13)), regs.r13);
    EQ(TRACE(PTRACE_SETREGS, pid, 0, &regs), 0);

    // x87 and SSE
    EQ(TRACE(PTRACE_GETFPREGS, pid, 0, fp), 0);
    EQ(*(unsigned short *)fp, 0x37f);
    EQ(*(unsigned *)(fp + 24), 0x1f80);
    EQ(*(unsigned long *)(fp + 160 + 3 * 16), 0x3ff8000000000000);      // 1.5 in xmm3
    EQ(*(unsigned long *)(fp + 32), 0xc90fdaa22168c235);                // pi in st(0)
    EQ(*(unsigned short *)(fp + 40), 0x4000);
    set = (struct iovec){more, 512};
    EQ(TRACE(PTRACE_GETREGSET, pid, NT_PRFPREG, &set), 0);
    EQ(set.length, 512);
    EQ(memcmp(fp, more, 416), 0);
    *(unsigned long *)(fp + 160 + 3 * 16) = 0x4004000000000000;         // 2.5
    EQ(TRACE(PTRACE_SETFPREGS, pid, 0, fp), 0);
    EQ(TRACE(PTRACE_GETFPREGS, pid, 0, more), 0);
    EQ(memcmp(fp, more, 416), 0);
    *(unsigned *)(fp + 24) = 0x11f80;
    EQ(TRACE(PTRACE_SETFPREGS, pid, 0, fp), -EINVAL);

    // arch_prctl
    EQ(TRACE(PTRACE_ARCH_PRCTL, pid, &word, ARCH_GET_GS), 0);
    EQ(word, 0x7000);
    EQ(TRACE(PTRACE_ARCH_PRCTL, pid, 0x8000, ARCH_SET_GS), 0);
    EQ(peek_user(pid, USER(gs_base)), 0x8000);
    EQ(TRACE(PTRACE_ARCH_PRCTL, pid, 0x0000800000000000, ARCH_SET_GS), -EPERM);
    EQ(TRACE(PTRACE_ARCH_PRCTL, pid, 0, 0x9999), -EINVAL);
    EQ(TRACE(PTRACE_CONT, pid, 0, 0), 0);
    EQ(next_stop(pid), EXITED(0));
    EQ(page[0], 99);
    EQ(page[1], 1);

    // memory: what is read-only or shared too
    pid = traced(forever);
    EQ(peek(pid, constant), *(long *)constant);
    EQ(TRACE(PTRACE_POKEDATA, pid, constant, 0x4242424242424242), 0);
    EQ(peek(pid, constant), 0x4242424242424242);
    EQ(constant[0], 'c');
    EQ(TRACE(PTRACE_POKEDATA, pid, &variable, 0x2222), 0);
    EQ(variable, 0x1111);
    EQ(TRACE(PTRACE_POKEDATA, pid, page + 8, 0x3333), 0);
    EQ(page[8], 0x3333);
    EQ(TRACE(PTRACE_PEEKDATA, pid, BAD_POINTER, &word), -EIO);
    EQ(TRACE(PTRACE_POKEDATA, pid, BAD_POINTER, 1), -EIO);
    EQ(TRACE(PTRACE_PEEKDATA, pid, KERNEL_POINTER, &word), -EIO);
    EQ(TRACE(PTRACE_PEEKDATA, pid, -1L, &word), -EIO);
    EQ(TRACE(PTRACE_PEEKDATA, pid, &variable, BAD_POINTER), -EFAULT);
    char *both = map(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, 0);
    (void)both;
    EQ(TRACE(PTRACE_PEEKDATA, pid, (char *)constant + 3, &word), 0);    // unaligned

    // debug registers
    EQ(read_debug(pid, 0), 0);
    EQ(read_debug(pid, 7), 0);
    EQ(TRACE(PTRACE_POKEUSR, pid, USER_DEBUG(0), &variable), 0);
    EQ(read_debug(pid, 0), (long)&variable);
    EQ(TRACE(PTRACE_POKEUSR, pid, USER_DEBUG(1), KERNEL_POINTER), -EINVAL);
    EQ(TRACE(PTRACE_POKEUSR, pid, USER_DEBUG(4), 0), -EIO);
    EQ(TRACE(PTRACE_POKEUSR, pid, USER_DEBUG(5), 0), -EIO);
    EQ(read_debug(pid, 4), 0);
    EQ(TRACE(PTRACE_POKEUSR, pid, USER_DEBUG(6), 0x1234), 0);
    EQ(read_debug(pid, 6), 0x1234);
    EQ(sys(kill, pid, SIGKILL), 0);
    EQ(next_stop(pid), SIGKILL);
    EQ(TRACE(PTRACE_CONT, pid, 0, 0), -ESRCH);
    return 0;
}
