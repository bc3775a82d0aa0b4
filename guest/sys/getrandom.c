// getrandom(2): as many bytes as asked for, different each time; 0 bytes are 0; EINVAL for unknown flags and for
// RANDOM with INSECURE; EFAULT for bad memory, short counts at its edge.
#include "raw.h"

#include <linux/random.h>

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    unsigned char a[32] = {0}, b[32] = {0};
    EQ(sys(getrandom, a, 32, 0), 32);
    EQ(sys(getrandom, b, 32, GRND_NONBLOCK), 32);
    CHECK(memcmp(a, b, 32) != 0);
    int different = 0;
    for (int i = 1; i < 32; i++)
        different += a[i] != a[0];
    CHECK(different > 0);
    memset(a, 0, 32);
    EQ(sys(getrandom, a, 5, GRND_INSECURE), 5);
    EQ(a[5], 0);
    EQ(sys(getrandom, a, 0, 0), 0);
    EQ(sys(getrandom, BAD_POINTER, 0, 0), 0);
    EQ(sys(getrandom, a, 32, 8), -EINVAL);
    EQ(sys(getrandom, a, 32, GRND_RANDOM | GRND_INSECURE), -EINVAL);
    EQ(sys(getrandom, BAD_POINTER, 32, 0), -EFAULT);
    EQ(sys(getrandom, KERNEL_POINTER, 32, 0), -EFAULT);
    unsigned char *p = map(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, 0);
    EQ(sys(munmap, p + PAGE, PAGE), 0);
    EQ(sys(getrandom, p + PAGE - 3, 1, 0), 1);
    EQ(sys(getrandom, p, PAGE, 0), PAGE);
    return 0;
}
