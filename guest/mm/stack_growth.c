// The stack grows by being touched, a page at a time or many at once, nearly to RLIMIT_STACK (8 MiB here); what it
// grows by is zero. Linux mm/mmap.c, expand_stack; setrlimit(2). Touching 7 MiB down in one go works too: no check
// of rsp.
#include "raw.h"

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)envp;
    unsigned char *top = (unsigned char *)argv;
    for (unsigned long down = PAGE; down < 4UL << 20; down += PAGE) {
        volatile unsigned char *p = top - down;
        if (down > 1 << 20)                             // below what the kernel and this function used
            EQ(*p, 0);
        *p = 1;
    }
    volatile unsigned char *far = top - (7UL << 20);
    EQ(*far, 0);
    *far = 9;
    EQ(*far, 9);

    // The kernel grows the stack for its own stores as well.
    EQ(sys(clock_gettime, 1, top - (15UL << 19)), 0);
    return 0;
}
