// A store to a private page past the end of the file is SIGBUS, BUS_ADRERR as a load is: there is nothing to copy.
// mmap(2).
#include "raw_death.h"

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    int fd = sys(open, "file", O_RDWR | O_CREAT | O_TRUNC, 0600);
    CHECK(fd >= 0);
    EQ(sys(mmap, FIXED_PLACE, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, fd, 0), FIXED_PLACE);
    fatal_write(FIXED_PLACE + 123);
    return SURVIVED;
}
