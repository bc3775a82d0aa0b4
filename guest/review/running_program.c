// open(2), truncate(2), execve(2): the file of a program that runs cannot be written (ETXTBSY).
#include "raw.h"

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    EQ(sys(open, "/proc/self/exe", O_WRONLY), -ETXTBSY);
    EQ(sys(open, "/proc/self/exe", O_RDWR | O_TRUNC), -ETXTBSY);
    EQ(sys(open, "/proc/self/exe", O_RDONLY | O_TRUNC), -ETXTBSY);
    EQ(sys(truncate, "/proc/self/exe", 10), -ETXTBSY);
    CHECK(sys(open, "/proc/self/exe", O_RDONLY) >= 0);
    CHECK(sys(open, "/proc/self/exe", O_PATH) >= 0);
    return 0;
}
