// System calls that do not exist are ENOSYS: numbers past the table, negative ones, the x32 range (0x40000000),
// uselib and other holes of the table; only the low 32 bits of rax count; rcx and r11 are clobbered, all else is
// kept.
#include "raw.h"

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    static const long numbers[] = {500, 999, 0x14e + 0x100, 0x40000000, 0x40000001, 0x40000208, 0x7fffffff, -1,
                                   -2, 1L << 31};
    for (unsigned i = 0; i < sizeof numbers / sizeof *numbers; i++)
        EQ(raw_syscall(numbers[i], 1, 2, 3, 4, 5, 6), -ENOSYS);
    EQ(raw_syscall(__NR_tuxcall, 0, 0, 0, 0, 0, 0), -ENOSYS);
    EQ(raw_syscall(__NR_create_module, 0, 0, 0, 0, 0, 0), -ENOSYS);
    EQ(raw_syscall(__NR_getpmsg, 0, 0, 0, 0, 0, 0), -ENOSYS);
    EQ(raw_syscall(0xabcd00000000 | __NR_getpid, 0, 0, 0, 0, 0, 0), sys(getpid));

    // After a system call rcx is the address of the next instruction, r11 the flags; the other registers are as before.
    unsigned long rcx, r11, next, flags, lost;
    __asm__ volatile("mov $0x1111, %%edi\n mov $0x2222, %%esi\n mov $0x3333, %%edx\n mov $0x4444, %%r10d\n"
                     "mov $0x5555, %%r8d\n mov $0x6666, %%r9d\n mov $0x7777, %%ebx\n mov $0x8888, %%r12d\n"
                     "mov $999, %%eax\n"
                     "pushfq\n pop %3\n"
                     "syscall\n"
                     "1: lea 1b(%%rip), %2\n"
                     "xor $0x1111, %%rdi\n xor $0x2222, %%rsi\n xor $0x3333, %%rdx\n xor $0x4444, %%r10\n"
                     "xor $0x5555, %%r8\n xor $0x6666, %%r9\n xor $0x7777, %%rbx\n xor $0x8888, %%r12\n"
                     "or %%rsi, %%rdi\n or %%rdx, %%rdi\n or %%r10, %%rdi\n or %%r8, %%rdi\n or %%r9, %%rdi\n"
                     "or %%rbx, %%rdi\n or %%r12, %%rdi\n mov %%rdi, %4\n"
                     "mov %%r11, %1\n mov %%rcx, %0\n"
                     : "=&m"(rcx), "=&m"(r11), "=&r"(next), "=&r"(flags), "=&m"(lost)
                     :
                     : "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "cc", "memory");
    EQ(rcx, next);
    EQ(r11, flags);
    EQ(lost, 0);
    return 0;
}
