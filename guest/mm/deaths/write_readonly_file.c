// Storing to a file page mapped PROT_READ: SIGSEGV, SEGV_ACCERR, the address is the one stored to. mmap(2).
#include "raw_death.h"

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    int fd = sys(open, "file", O_RDWR | O_CREAT | O_TRUNC, 0600);
    CHECK(fd >= 0);
    EQ(sys(write, fd, "x", 1), 1);
    EQ(sys(mmap, FIXED_PLACE, PAGE, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd, 0), FIXED_PLACE);
    EQ(FIXED_PLACE[0], 'x');
    fatal_write(FIXED_PLACE + 1);
    return SURVIVED;
}
