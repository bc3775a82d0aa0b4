// variants: raw-static-pie
// flags: -Wl,-z,max-page-size=0x200000
//
// Segments aligned to 2 MiB (p_align 0x200000) are mapped at offset and address congruent to 4 KiB pages only as far
// as they must be, the image base of a position-independent program is a multiple of p_align, and the gaps between
// segments are not mapped. Linux fs/binfmt_elf.c, maximum_alignment (since 5.10).
#include "raw.h"

#include <elf.h>
#include <linux/auxvec.h>

extern const Elf64_Ehdr __ehdr_start __attribute__((visibility("hidden")));
static volatile int data = 77;
static volatile int zero[10000];

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv;
    unsigned long image = (unsigned long)&__ehdr_start;
    EQ(image % 0x200000, 0);
    EQ(data, 77);
    EQ(zero[9999], 0);
    const Elf64_Phdr *phdr = (void *)auxv_value(envp, AT_PHDR);
    int n_loads = 0;
    for (unsigned long i = 0; i < auxv_value(envp, AT_PHNUM); i++) {
        if (phdr[i].p_type != PT_LOAD)
            continue;
        n_loads++;
        EQ(phdr[i].p_align, 0x200000);
        unsigned long start = image + phdr[i].p_vaddr, end = start + phdr[i].p_memsz;
        EQ(probe((void *)start), phdr[i].p_flags & PF_W ? READABLE | WRITABLE : READABLE);
        EQ(probe((void *)(end - 1)), phdr[i].p_flags & PF_W ? READABLE | WRITABLE : READABLE);
        EQ(probe((void *)((end + PAGE - 1) & -PAGE)), UNMAPPED);
    }
    CHECK(n_loads >= 3);
    return 0;
}
