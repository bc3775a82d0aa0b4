// On a CPU that CPUID says has no AVX, each execution of a VEX instruction is SIGILL, ILL_ILLOPN, with si_addr and
// RIP at the instruction, also after a handler has stepped over it or returned to it; on one with AVX none is.
// Either way its bytes read as assembled and XMM registers hold what the CPU said they would. SDM vol. 2A, 2.3 and
// vol. 1, 14.3.
#include "raw_signal.h"

#include <cpuid.h>

enum { ROUNDS = 100 };

extern const unsigned char vex_instruction[], vex_end[];
static volatile int n_caught, n_wrong;

static void on_sigill(int signo, siginfo_t *info, struct raw_ucontext *context)
{
    if (signo != SIGILL || info->si_code != ILL_ILLOPN || info->si_addr != vex_instruction ||
        context->rip != (unsigned long)vex_instruction)
        n_wrong++;
    n_caught++;
    if (n_caught % 2 == 0) // every odd time the handler returns to the instruction itself, which traps again
        context->rip = (unsigned long)vex_end;
}

static long run_once(void)
{
    long low;
    __asm__ volatile("movabs $0x1111111122222222, %%rax\n"
                     "movq %%rax, %%xmm0\n"
                     "pcmpeqd %%xmm1, %%xmm1\n"
                     ".globl vex_instruction, vex_end\n"
                     "vex_instruction:\n"
                     "vpxor %%xmm0, %%xmm1, %%xmm0\n"
                     "vex_end:\n"
                     "movq %%xmm0, %0\n"
                     : "=r"(low)
                     :
                     : "rax", "xmm0", "xmm1");
    return low;
}

static int has_avx(void)
{
    unsigned eax, ebx, ecx, edx;
    __cpuid(1, eax, ebx, ecx, edx);
    return (ecx & bit_AVX) && (ecx & bit_OSXSAVE);
}

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    int avx = has_avx();
    EQ(raw_handle(SIGILL, on_sigill, 0), 0);
    EQ(vex_instruction[0], 0xc5);
    for (int i = 0; i < ROUNDS; i++) {
        EQ(run_once(), avx ? (long)~0x1111111122222222UL : 0x1111111122222222L);
        EQ(vex_instruction[0], 0xc5);
        EQ(n_caught, avx ? 0 : 2 * (i + 1));
    }
    EQ(n_wrong, 0);
    return 0;
}
