// For C guests that must be killed at one access: the access is an instruction with a name of its own, so that its RIP
// has one, and a survivor exits with SURVIVED, as in guest/cpu/deaths/death.inc.
#ifndef RAW_DEATH_H
#define RAW_DEATH_H

#include "raw.h"

#define SURVIVED 99
#define FIXED_PLACE ((unsigned char *)0x20000000)

// One instruction each, named for RIP: movzbl (%rdi), %eax; movb $1, (%rdi); jmp *%rdi
int fatal_read(const void *p);
void fatal_write(void *p);
void fatal_call(const void *p);

#define FATAL(name, instructions)                                                                                      \
    ".globl " name "\n.type " name ", @function\n" name ":\n" instructions "\n.size " name ", . - " name "\n"

__asm__(".text\n"
        FATAL("fatal_read", "movzbl (%rdi), %eax\n ret")
        FATAL("fatal_write", "movb $1, (%rdi)\n ret")
        FATAL("fatal_call", "jmp *%rdi"));

#endif
