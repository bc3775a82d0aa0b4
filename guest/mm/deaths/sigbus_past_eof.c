// Touching a page of a file mapping that lies wholly past the end of the file: SIGBUS, BUS_ADRERR, the address is
// the one touched. mmap(2), sigaction(2).
#include "raw_death.h"

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    int fd = sys(open, "file", O_RDWR | O_CREAT | O_TRUNC, 0600);
    CHECK(fd >= 0);
    EQ(sys(write, fd, "x", 1), 1);
    EQ(sys(mmap, FIXED_PLACE, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, fd, 0), FIXED_PLACE);
    EQ(FIXED_PLACE[0], 'x');
    EQ(FIXED_PLACE[PAGE - 1], 0);
    fatal_read(FIXED_PLACE + PAGE + 5);
    return SURVIVED;
}
