// variants: glibc-static glibc-static-pie glibc-pie glibc-no-pie musl-static musl-pie
//
// What a libc's start-up leaves behind works: initialised and zero thread-local variables, constructors in order and
// destructors in reverse, atexit, indirect functions (string calls chosen by CPUID), malloc small and large, qsort,
// floating-point printing, copy relocations (environ, stdout), errno.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static __thread int tls_initialised = 1234;
static __thread char tls_zero[5000];
static __thread long tls_aligned __attribute__((aligned(64))) = -1;
static int constructed;

__attribute__((constructor(101))) static void first(void)
{
    constructed = constructed * 10 + 1;
}

__attribute__((constructor(102))) static void second(void)
{
    constructed = constructed * 10 + 2;
}

__attribute__((destructor)) static void last(void)
{
    static const char text[] = "destructor\n";
    if (write(1, text, sizeof text - 1) < 0)
        _exit(1);
}

static void at_exit(void)
{
    puts("atexit");
}

static int by_value(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

int main(void)
{
    printf("tls %d %d %ld, aligned %d\n", tls_initialised, tls_zero[4999], tls_aligned,
           (int)((unsigned long)&tls_aligned % 64));
    tls_initialised++;
    printf("tls %d\n", tls_initialised);
    printf("constructed %d\n", constructed);
    atexit(at_exit);

    int numbers[1000];
    for (int i = 0; i < 1000; i++)
        numbers[i] = i * 7919 % 1000;
    qsort(numbers, 1000, sizeof *numbers, by_value);
    printf("sorted %d %d %d\n", numbers[0], numbers[500], numbers[999]);

    char *small = malloc(100), *large = malloc(10 << 20);
    memset(large, 'x', 10 << 20);
    strcpy(small, "small");
    large[5000000] = 0;
    printf("malloc %s %zu\n", small, strlen(large));
    large = realloc(large, 20 << 20);
    printf("realloc %c\n", large[4999999]);
    free(small);
    free(large);

    char haystack[300];
    for (int i = 0; i < 299; i++)
        haystack[i] = 'a' + i % 26;
    haystack[299] = 0;
    strcpy(haystack + 250, "needle in it");
    printf("string %ld %ld %d %ld\n", (long)(strstr(haystack, "needle") - haystack),
           (long)(strchr(haystack, 'n') - haystack), memcmp(haystack, haystack + 26, 100), (long)strlen(haystack + 3));
    printf("float %.17g %.10f %g %La\n", 0.1, 1e10 / 3, 1e-300 * 1e-10, 1.0L / 3);

    int fd = open("/nonexistent", O_RDONLY);
    printf("open %d, errno %s\n", fd, strerror(errno));
    fprintf(stderr, "to stderr\n");
    return 0;
}
