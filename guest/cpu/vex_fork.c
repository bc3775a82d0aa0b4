//
// The same VEX instruction in a second and a third process: where CPUID says there is no AVX, each child that
// executes it is killed by SIGILL, and the parent after them too; with AVX they all succeed. fork(2), SDM vol. 2A,
// 2.3.
#include "raw.h"

#include <asm/signal.h>
#include <cpuid.h>

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    unsigned eax, ebx, ecx, edx;
    __cpuid(1, eax, ebx, ecx, edx);
    int avx = (ecx & bit_AVX) && (ecx & bit_OSXSAVE);
    for (int i = 0; i < 3; i++) {
        long pid = sys(fork);
        CHECK(pid >= 0);
        if (pid == 0) {
            __asm__ volatile("vpxor %%xmm0, %%xmm1, %%xmm0" : : : "xmm0");
            sys(exit_group, 0);
        }
        int status = -1;
        EQ(sys(wait4, pid, &status, 0, NULL), pid);
        EQ(status & 0x7f, avx ? 0 : SIGILL);
    }
    return 0;
}
