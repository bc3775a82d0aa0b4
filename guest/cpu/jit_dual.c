// Two MAP_SHARED mappings of one file, one RW and one RX: a store through the first is code in the second at once, a
// thousand times. mmap(2) MAP_SHARED; SDM vol. 3A, 12.6 (stores are coherent with code by physical address).
#include "jit.h"

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    int fd = sys(open, "jit_dual.bin", O_RDWR | O_CREAT | O_TRUNC, 0600);
    CHECK(fd >= 0);
    EQ(sys(unlink, "jit_dual.bin"), 0);
    jit_dual_check(fd);
    return 0;
}
