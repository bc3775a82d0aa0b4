// A data segment whose memory size exceeds its file size is zero from there on: the rest of the last file page
// (where the file has other bytes: section headers, symbols) and every page after it, for several megabytes; the
// initialised part is what the file says and stays writable. elf(5) p_memsz; Linux fs/binfmt_elf.c, padzero.
#include "raw.h"

enum { BIG_BYTES = 4 << 20 };

static volatile unsigned initialised[4] = {0x11111111, 0x22222222, 0x33333333, 0x44444444};
static volatile unsigned char big[BIG_BYTES];

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    EQ(initialised[0], 0x11111111);
    EQ(initialised[3], 0x44444444);
    extern volatile unsigned char __bss_start[], _end[];
    for (volatile unsigned char *p = __bss_start; p < _end && p < __bss_start + 3 * PAGE; p++)
        EQ(*p, 0);
    for (unsigned i = 0; i < BIG_BYTES; i += 512)
        EQ(big[i], 0);
    EQ(big[BIG_BYTES - 1], 0);
    big[BIG_BYTES / 2] = 1;
    initialised[1] = 5;
    EQ(big[BIG_BYTES / 2] + initialised[1], 6);
    EQ(initialised[2], 0x33333333);
    // Past the segment's last page the heap begins, empty.
    EQ(sys(brk, 0) >= (long)_end, 1);
    return 0;
}
