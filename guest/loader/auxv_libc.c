// variants: glibc-static glibc-static-pie glibc-pie glibc-no-pie musl-static musl-pie
// args: first "second one"
//
// A libc finds its way from the auxiliary vector, through its own run-time linker when it is dynamic: AT_BASE is that
// linker's and 0 without one, AT_PHDR and AT_ENTRY are the program's, and getauxval(3) and the environment agree.
#define _GNU_SOURCE
#include <elf.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

extern const ElfW(Ehdr) __ehdr_start __attribute__((visibility("hidden")));
extern char **environ;

int main(int argc, char **argv)
{
    const char *image = (const char *)&__ehdr_start;
    ElfW(Addr) bias = __ehdr_start.e_type == ET_DYN ? (ElfW(Addr))image : 0;
    int dynamic_linker = 0;
    for (int i = 0; i < argc; i++)
        printf("argv[%d] %s\n", i, argv[i]);
    for (char **e = environ; *e; e++)
        printf("envp %s\n", *e);

    const ElfW(Phdr) *phdr = (const void *)getauxval(AT_PHDR);
    printf("phdr at image+%#lx, %lu of %lu bytes\n", (long)((const char *)phdr - image), getauxval(AT_PHNUM),
           getauxval(AT_PHENT));
    for (unsigned long i = 0; i < getauxval(AT_PHNUM); i++)
        if (phdr[i].p_type == PT_INTERP) {
            dynamic_linker = 1;
            printf("interpreter %s\n", (const char *)(phdr[i].p_vaddr + bias));
        }
    printf("type %d, entry %s\n", __ehdr_start.e_type,
           getauxval(AT_ENTRY) == __ehdr_start.e_entry + bias ? "e_entry" : "?");

    const char *base = (const char *)getauxval(AT_BASE);
    if (base)
        printf("base: %s, %s\n", memcmp(base, ELFMAG, SELFMAG) ? "not ELF" : "ELF",
               dynamic_linker ? "asked for" : "not asked for");
    else
        printf("no base\n");
    printf("execfn %s, platform %s, secure %lu, page %ld, ticks %ld\n", (char *)getauxval(AT_EXECFN),
           (char *)getauxval(AT_PLATFORM), getauxval(AT_SECURE), sysconf(_SC_PAGESIZE), sysconf(_SC_CLK_TCK));
    return 0;
}
