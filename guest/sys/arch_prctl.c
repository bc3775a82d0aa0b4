// arch_prctl(2): ARCH_SET_FS and ARCH_SET_GS take effect at once and are read back by ARCH_GET_*; an address that is
// not the user's is EPERM; an unknown code is EINVAL, as ARCH_CET_STATUS (0x3001), which glibc tries, is where there
// is no CET.
#include "raw.h"

#include <asm/prctl.h>

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    static unsigned long block[4] = {0x1111, 0x2222, 0x3333, 0x4444};
    unsigned long value = 1, base = 1;
    EQ(sys(arch_prctl, ARCH_GET_FS, &base), 0);
    EQ(base, 0);
    EQ(sys(arch_prctl, ARCH_SET_FS, block), 0);
    EQ(sys(arch_prctl, ARCH_GET_FS, &base), 0);
    EQ(base, (long)block);
    __asm__ volatile("mov %%fs:8, %0" : "=r"(value));
    EQ(value, 0x2222);
    EQ(sys(arch_prctl, ARCH_SET_GS, block + 1), 0);
    __asm__ volatile("mov %%gs:8, %0" : "=r"(value));
    EQ(value, 0x3333);
    EQ(sys(arch_prctl, ARCH_GET_GS, &base), 0);
    EQ(base, (long)(block + 1));
    __asm__ volatile("mov %%fs:0, %0" : "=r"(value));   // fs stayed
    EQ(value, 0x1111);

    unsigned short fs, gs;                              // the selectors are not what holds the base
    __asm__ volatile("mov %%fs, %0" : "=r"(fs));
    __asm__ volatile("mov %%gs, %0" : "=r"(gs));
    EQ(fs | gs, 0);

    EQ(sys(arch_prctl, ARCH_SET_FS, KERNEL_POINTER), -EPERM);
    EQ(sys(arch_prctl, ARCH_SET_GS, NONCANONICAL_POINTER), -EPERM);
    EQ(sys(arch_prctl, ARCH_SET_FS, -1L), -EPERM);
    EQ(sys(arch_prctl, ARCH_GET_FS, BAD_POINTER), -EFAULT);
    EQ(sys(arch_prctl, 0x3001, block), -EINVAL);
    EQ(sys(arch_prctl, 0, block), -EINVAL);
    EQ(sys(arch_prctl, -1, block), -EINVAL);
    __asm__ volatile("mov %%fs:0, %0" : "=r"(value));   // and nothing of that changed it
    EQ(value, 0x1111);
    return 0;
}
