// Memory operations, one kind at a time: memory KIND COUNT prints "KIND done".
// map: mmap, touch and munmap of 64 KiB. protect: two mprotect of one page and a store. touch, fault: the first store
// to each page of COUNT MiB, with 2 MiB pages if there are any, and without. fork1, fork256: fork, exit and wait with
// so many MiB touched. chase: loads of a random cycle through 64 MiB, COUNT million.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096UL
#define MIB (1UL << 20)

static char *map(size_t n_bytes)
{
    char *p = mmap(0, n_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        exit(1);
    return p;
}

static void touch(char *p, size_t n_bytes)
{
    for (size_t i = 0; i < n_bytes; i += PAGE)
        p[i] = 1;
}

static void forks(size_t n_bytes, long count)
{
    char *p = map(n_bytes + 1);
    touch(p, n_bytes);
    for (long i = 0; i < count; i++) {
        pid_t child = fork();
        int status;
        if (child == 0)
            _exit(0);
        if (waitpid(child, &status, 0) != child || status)
            exit(1);
    }
}

static void chase(long count)
{
    size_t n = 64 * MIB / 64, *cells = (size_t *)map(64 * MIB), *order = (size_t *)map(n * sizeof *order);
    unsigned long seed = 1, at = 0;
    for (size_t i = 0; i < n; i++)
        order[i] = i;
    for (size_t i = n - 1; i; i--) {
        seed = seed * 6364136223846793005UL + 1442695040888963407UL;
        size_t j = (seed >> 33) % (i + 1), t = order[i];
        order[i] = order[j];
        order[j] = t;
    }
    for (size_t i = 0; i < n; i++)
        cells[order[i] * 8] = order[(i + 1) % n] * 8;
    for (long i = 0; i < count * 1000000; i++)
        at = cells[at];
    if (at == 1)
        exit(1);
}

int main(int argc, char **argv)
{
    const char *kind = argc == 3 ? argv[1] : "";
    long count = argc == 3 ? atol(argv[2]) : 0;
    char *page = map(PAGE * 16);
    if (!strcmp(kind, "map"))
        for (long i = 0; i < count; i++) {
            char *p = map(64 * 1024);
            touch(p, 64 * 1024);
            munmap(p, 64 * 1024);
        }
    else if (!strcmp(kind, "protect"))
        for (long i = 0; i < count; i++) {
            mprotect(page, PAGE, PROT_READ);
            mprotect(page, PAGE, PROT_READ | PROT_WRITE);
            page[0] = 1;
        }
    else if (!strcmp(kind, "touch") || !strcmp(kind, "fault")) {
        char *p = map(count * MIB + 1);
        if (kind[0] == 'f')
            madvise(p, count * MIB, MADV_NOHUGEPAGE);
        touch(p, count * MIB);
    } else if (!strcmp(kind, "fork1"))
        forks(MIB, count);
    else if (!strcmp(kind, "fork256"))
        forks(256 * MIB, count);
    else if (!strcmp(kind, "chase"))
        chase(count);
    else
        return 2;
    printf("%s done\n", kind);
    return 0;
}
