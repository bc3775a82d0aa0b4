// Code in one mapping of a memfd counts in a word of its own page, through another mapping of it: every store lands, and
// code that is written there afterwards is what runs.
#include "raw.h"

#define RW (PROT_READ | PROT_WRITE)

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    int fd = sys(memfd_create, "jit", 0);
    EQ(sys(ftruncate, fd, PAGE), 0);
    unsigned char *w = (void *)sys(mmap, 0, PAGE, RW, MAP_SHARED, fd, 0);
    unsigned char *x = (void *)sys(mmap, 0, PAGE, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
    CHECK((long)w > 0 && (long)x > 0);
    // loop: incq (%rdi); dec %esi; jnz loop; mov (%rdi),%rax; ret
    static const unsigned char code[] = {0x48, 0xff, 0x07, 0xff, 0xce, 0x75, 0xf9, 0x48, 0x8b, 0x07, 0xc3};
    // mov $N,%eax; ret
    unsigned char constant[] = {0xb8, 0, 0, 0, 0, 0xc3};
    memcpy(w, code, sizeof code);
    long (*count)(void *, int) = (void *)x;
    EQ(count(w + 2048, 1000), 1000);
    EQ(count(w + 2048, 1), 1001);
    EQ(*(long *)(x + 2048), 1001);
    int (*get)(void) = (void *)(x + 512);
    for (int i = 0; i < 20; i++) {
        constant[1] = i;
        memcpy(w + 512, constant, sizeof constant);
        EQ(get(), i);
        EQ(count(w + 2048, 5), 1006 + 5 * i);
    }
    return 0;
}
