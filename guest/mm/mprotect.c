// mprotect(2): rights change by whole pages and the bytes stay; a range with a hole is ENOMEM, with the pages before
// the hole changed; EINVAL for an unaligned address, EACCES for rights the file's descriptor never gave; length 0
// does nothing.
#include "raw.h"

#define RW (PROT_READ | PROT_WRITE)

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    unsigned char *p = map(NULL, 6 * PAGE, RW, 0);
    CHECK((long)p > 0);
    memset(p, 0x22, 6 * PAGE);

    EQ(sys(mprotect, p + 2 * PAGE, PAGE, PROT_READ), 0);
    EQ(probe(p + PAGE), READABLE | WRITABLE);
    EQ(probe(p + 2 * PAGE), READABLE);
    EQ(probe(p + 3 * PAGE), READABLE | WRITABLE);
    EQ(sys(mprotect, p + 2 * PAGE, 1, PROT_NONE), 0);   // a length is rounded up
    EQ(probe(p + 2 * PAGE), UNMAPPED);
    EQ(sys(mprotect, p, 6 * PAGE, RW), 0);              // over all three pieces
    for (int i = 0; i < 6; i++)
        EQ(p[i * PAGE], 0x22);
    EQ(probe(p + 2 * PAGE), READABLE | WRITABLE);

    EQ(sys(mprotect, p + 1, PAGE, PROT_READ), -EINVAL);
    EQ(sys(mprotect, p, 0, PROT_NONE), 0);
    EQ(probe(p), READABLE | WRITABLE);
    EQ(sys(mprotect, p, PAGE, 0x10), -EINVAL);          // an unknown right: not ignored, as mmap does
    EQ(sys(mprotect, p, PAGE, RW | PROT_GROWSDOWN | PROT_GROWSUP), -EINVAL);
    EQ(sys(mprotect, p, -PAGE, PROT_READ), -ENOMEM);
    EQ(sys(mprotect, p, -1L, PROT_READ), -ENOMEM);      // rounds up to 0... which is not length 0
    EQ(sys(mprotect, KERNEL_POINTER, PAGE, PROT_READ), -ENOMEM);
    EQ(sys(mprotect, NULL, PAGE, PROT_READ), -ENOMEM);

    EQ(sys(munmap, p + 3 * PAGE, PAGE), 0);
    EQ(sys(mprotect, p + 3 * PAGE, 2 * PAGE, PROT_READ), -ENOMEM);      // starts in the hole: nothing changes
    EQ(probe(p + 4 * PAGE), READABLE | WRITABLE);
    EQ(sys(mprotect, p + PAGE, 5 * PAGE, PROT_READ), -ENOMEM);          // meets the hole: what came before is changed
    EQ(probe(p + PAGE), READABLE);
    EQ(probe(p + 2 * PAGE), READABLE);
    EQ(probe(p + 4 * PAGE), READABLE | WRITABLE);

    int file = sys(open, "file", O_RDWR | O_CREAT | O_TRUNC, 0600);
    CHECK(file >= 0);
    EQ(sys(write, file, "x", 1), 1);
    int read_only = sys(open, "file", O_RDONLY);
    unsigned char *shared = (void *)sys(mmap, 0, PAGE, PROT_READ, MAP_SHARED, read_only, 0);
    CHECK((long)shared > 0);
    EQ(sys(mprotect, shared, PAGE, RW), -EACCES);
    EQ(probe(shared), READABLE);
    unsigned char *private = (void *)sys(mmap, 0, PAGE, PROT_READ, MAP_PRIVATE, read_only, 0);
    CHECK((long)private > 0);
    EQ(sys(mprotect, private, PAGE, RW), 0);
    EQ(probe(private), READABLE | WRITABLE);
    EQ(private[0], 'x');
    return 0;
}
