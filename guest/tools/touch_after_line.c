// build: -O1 -static
// Maps the file of its first argument shared, stores to its second page, says "mapped", and loads from that page again
// over and over when it has read a byte from standard input. For tests that change the file in between.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    int fd = argc > 1 ? open(argv[1], O_RDWR) : -1;
    volatile char *page = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    char byte;
    if ((void *)page == MAP_FAILED)
        return 1;
    page[4096] = 1;
    if (write(1, "mapped\n", 7) != 7 || read(0, &byte, 1) != 1)
        return 2;
    alarm(20);
    while (page[4096] == 1)
        ;
    return 3;
}
