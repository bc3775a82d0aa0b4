// A page that was mapped and read is gone when the file is cut under it: SIGBUS, BUS_ADRERR. mmap(2), ftruncate(2).
#include "raw_death.h"

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    int fd = sys(open, "file", O_RDWR | O_CREAT | O_TRUNC, 0600);
    CHECK(fd >= 0);
    EQ(sys(ftruncate, fd, 2 * PAGE), 0);
    EQ(sys(mmap, FIXED_PLACE, 2 * PAGE, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd, 0), FIXED_PLACE);
    EQ(FIXED_PLACE[PAGE], 0);
    EQ(sys(ftruncate, fd, 1), 0);
    EQ(FIXED_PLACE[0], 0);
    fatal_read(FIXED_PLACE + PAGE);
    return SURVIVED;
}
