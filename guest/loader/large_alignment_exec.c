// variants: glibc-static
// flags: -Wl,-z,max-page-size=0x200000
//
// A static glibc program at fixed addresses whose segments are 2 MiB apart runs and has its data. elf(5) p_align.
#include <stdio.h>
#include <string.h>

static int data[3] = {1, 2, 3};
static char zero[300000];

int main(void)
{
    memset(zero + 100000, 7, 10);
    printf("%d %d %d\n", data[0] + data[1] + data[2], zero[100009], zero[100010]);
    return 0;
}
