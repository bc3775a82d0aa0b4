// variants: glibc-static glibc-static-pie glibc-pie glibc-no-pie musl-static musl-pie
//
// A C program prints its arguments through stdio: start-up, relocation, TLS, malloc and exit handlers of a libc work.
#include <stdio.h>

int main(int argc, char **argv)
{
    printf("Hello, world, from C! %d arguments\n", argc - 1);
    for (int i = 1; i < argc; i++)
        printf("%d: %s\n", i, argv[i]);
    return 0;
}
