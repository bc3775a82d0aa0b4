//
// As jit_dual, on a memfd_create(2) file: the way most code generators that keep W^X do it.
#include "jit.h"

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    int fd = sys(memfd_create, "jit", 0);
    CHECK(fd >= 0);
    jit_dual_check(fd);
    return 0;
}
