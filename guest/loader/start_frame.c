// variants: raw raw-static-pie
// args: one "two words" ""
//
// What the kernel puts on the stack of a new program, as System V ABI (AMD64 supplement, 3.4.1) and getauxval(3)
// have it: printed as text that does not depend on where things lie, so that two kernels can be compared; how the
// parts lie to each other is checked. Linux fs/binfmt_elf.c, create_elf_tables.
#include "raw.h"

#include <elf.h>
#include <linux/auxvec.h>

extern const Elf64_Ehdr __ehdr_start __attribute__((visibility("hidden")));

static void print_auxv(unsigned long type, unsigned long value)
{
    extern void _start(void) __attribute__((visibility("hidden")));
    unsigned long image = (unsigned long)&__ehdr_start;
    switch (type) {
    case AT_PHDR: print("AT_PHDR image+%x\n", value - image); break;
    case AT_PHENT: print("AT_PHENT %u\n", value); break;
    case AT_PHNUM: print("AT_PHNUM %u of %u\n", value, (long)__ehdr_start.e_phnum); break;
    case AT_PAGESZ: print("AT_PAGESZ %u\n", value); break;
    case AT_BASE: print("AT_BASE %x\n", value); break;
    case AT_FLAGS: print("AT_FLAGS %x\n", value); break;
    case AT_ENTRY: print("AT_ENTRY %s\n", value == (unsigned long)_start ? "_start" : "not _start"); break;
    case AT_UID: print("AT_UID %s\n", (long)value == sys(getuid) ? "getuid()" : "?"); break;
    case AT_EUID: print("AT_EUID %s\n", (long)value == sys(geteuid) ? "geteuid()" : "?"); break;
    case AT_GID: print("AT_GID %s\n", (long)value == sys(getgid) ? "getgid()" : "?"); break;
    case AT_EGID: print("AT_EGID %s\n", (long)value == sys(getegid) ? "getegid()" : "?"); break;
    case AT_PLATFORM: print("AT_PLATFORM \"%s\"\n", (char *)value); break;
    case AT_HWCAP: print("AT_HWCAP %x\n", value); break;
    case AT_HWCAP2: print("AT_HWCAP2 %x\n", value); break;
    case AT_CLKTCK: print("AT_CLKTCK %u\n", value); break;
    case AT_SECURE: print("AT_SECURE %u\n", value); break;
    case AT_RANDOM: print("AT_RANDOM 16 bytes\n"); break;
    case AT_EXECFN: print("AT_EXECFN \"%s\"\n", (char *)value); break;
    case AT_SYSINFO_EHDR: print("AT_SYSINFO_EHDR\n"); break;
    case AT_MINSIGSTKSZ: print("AT_MINSIGSTKSZ %u\n", value); break;
    default: print("AT_%u %x\n", type, value); break;
    }
}

int main(int argc, char **argv, char **envp)
{
    print("argc %d\n", (long)argc);
    for (int i = 0; i < argc; i++)
        print("argv[%d] \"%s\"\n", (long)i, argv[i]);
    EQ(argv[argc], 0);
    for (char **e = envp; *e; e++)
        print("envp \"%s\"\n", *e);
    for (unsigned long *pair = auxv_after(envp);; pair += 2) {
        if (pair[0] == AT_NULL) {
            EQ(pair[1], 0);
            break;
        }
        print_auxv(pair[0], pair[1]);
    }

    // The frame is at rsp; strings lie above it, argv's first, each after the one before, then the environment's.
    EQ((unsigned long)(argv - 1) % 16, 0);
    const char *next = argv[0];
    CHECK(next > (char *)auxv_after(envp));
    for (int i = 0; i < argc; i++, next += strlen(next) + 1)
        EQ(argv[i], next);
    for (char **e = envp; *e; e++, next += strlen(next) + 1)
        EQ(*e, next);
    EQ(auxv_value(envp, AT_EXECFN), next);              // the file name, then 8 bytes of zeros to the end of the stack
    next += strlen(next) + 1;
    EQ(((unsigned long)next + 8) % PAGE, 0);
    for (int i = 0; i < 8; i++)
        EQ(next[i], 0);

    // AT_RANDOM's bytes and the platform's name are on the stack too, 16 bytes that are not all the same.
    const unsigned char *random = (void *)auxv_value(envp, AT_RANDOM);
    CHECK((void *)random > (void *)auxv_after(envp) && (char *)random < argv[0]);
    int different = 0;
    for (int i = 1; i < 16; i++)
        different += random[i] != random[0];
    CHECK(different > 0);
    CHECK((char *)auxv_value(envp, AT_PLATFORM) > (char *)auxv_after(envp));
    CHECK((char *)auxv_value(envp, AT_PLATFORM) < argv[0]);
    EQ(memcmp((void *)&__ehdr_start, ELFMAG, SELFMAG), 0);

    // The stack is readable and writable to its top and not executable; there is nothing above it.
    EQ(probe(next + 7), READABLE | WRITABLE);
    EQ(probe(next + 8), UNMAPPED);
    return 0;
}
