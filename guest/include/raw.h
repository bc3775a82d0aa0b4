// For guests without a libc: system calls as the kernel gives them (negative errno and all), checks, and a small
// printer.
//
// A guest is one .c file that includes this, defines main(argc, argv, envp), and returns 0. Its exit status is the
// number of the check that failed (counted in the order of the text, from 1); the line, what was got and what was
// wanted go to standard error. Types and constants come from the kernel's own uapi headers.
#ifndef RAW_H
#define RAW_H

#include <asm/errno.h>
#include <asm/unistd.h>
#include <linux/fcntl.h>
#include <linux/mman.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#define PAGE 4096UL

// --- system calls ----------------------------------------------------------------------------------------------

// sys(name, args...): the number, every argument as a register; the result as rax holds it
#define sys(name, ...) SYS_PICK(dummy, ##__VA_ARGS__, 6, 5, 4, 3, 2, 1, 0)(__NR_##name, ##__VA_ARGS__)
#define SYS_PICK(d, a, b, c, e, f, g, count, ...) SYS_##count
#define SYS_0(nr) raw_syscall(nr, 0, 0, 0, 0, 0, 0)
#define SYS_1(nr, a) raw_syscall(nr, (long)(a), 0, 0, 0, 0, 0)
#define SYS_2(nr, a, b) raw_syscall(nr, (long)(a), (long)(b), 0, 0, 0, 0)
#define SYS_3(nr, a, b, c) raw_syscall(nr, (long)(a), (long)(b), (long)(c), 0, 0, 0)
#define SYS_4(nr, a, b, c, d) raw_syscall(nr, (long)(a), (long)(b), (long)(c), (long)(d), 0, 0)
#define SYS_5(nr, a, b, c, d, e) raw_syscall(nr, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), 0)
#define SYS_6(nr, a, b, c, d, e, f) raw_syscall(nr, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))

static inline long raw_syscall(long nr, long a, long b, long c, long d, long e, long f)
{
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}

// --- what gcc expects to find, and strings -----------------------------------------------------------------------

void *memset(void *to, int byte, size_t n)
{
    void *start = to;
    __asm__ volatile("rep stosb" : "+D"(to), "+c"(n) : "a"(byte) : "memory");
    return start;
}

void *memcpy(void *to, const void *from, size_t n)
{
    void *start = to;
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(n) : : "memory");
    return start;
}

int memcmp(const void *a, const void *b, size_t n)
{
    const unsigned char *p = a, *q = b;
    for (; n; n--, p++, q++)
        if (*p != *q)
            return *p - *q;
    return 0;
}

size_t strlen(const char *s)
{
    size_t n = 0;
    while (s[n])
        n++;
    return n;
}

static inline int strcmp(const char *a, const char *b)
{
    while (*a && *a == *b)
        a++, b++;
    return (unsigned char)*a - (unsigned char)*b;
}

// --- printing: %s %d (long) %u (unsigned long) %x (with 0x) %o %c --------------------------------------------------

static inline char *print_number(char *end, unsigned long value, unsigned base)
{
    do
        *--end = "0123456789abcdef"[value % base];
    while (value /= base);
    return end;
}

static inline void print_to(int fd, const char *format, va_list ap)
{
    char line[1024], digits[32], *out = line;
    for (const char *f = format; *f && out < line + sizeof line - 1; f++) {
        const char *text;
        digits[31] = 0;
        if (*f != '%') {
            *out++ = *f;
            continue;
        }
        switch (*++f) {
        case 's': text = va_arg(ap, const char *); break;
        case 'c': digits[30] = va_arg(ap, int); text = digits + 30; break;
        case 'u': text = print_number(digits + 31, va_arg(ap, unsigned long), 10); break;
        case 'o': text = print_number(digits + 31, va_arg(ap, unsigned long), 8); break;
        case 'x': *out++ = '0', *out++ = 'x'; text = print_number(digits + 31, va_arg(ap, unsigned long), 16); break;
        case 'd': {
            long value = va_arg(ap, long);
            char *start = print_number(digits + 31, value < 0 ? -(unsigned long)value : (unsigned long)value, 10);
            if (value < 0)
                *--start = '-';
            text = start;
            break;
        }
        default: text = "%?"; break;
        }
        while (*text && out < line + sizeof line - 1)
            *out++ = *text++;
    }
    sys(write, fd, line, out - line);
}

static inline void print(const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    print_to(1, format, ap);
    va_end(ap);
}

static inline void complain(const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    print_to(2, format, ap);
    va_end(ap);
}

// --- checks ----------------------------------------------------------------------------------------------------

#define CHECK(condition) check(__COUNTER__ + 1, __LINE__, !!(condition), #condition)
#define EQ(actual, wanted) equal(__COUNTER__ + 1, __LINE__, (long)(actual), (long)(wanted), #actual)

static inline void check(int number, int line, int good, const char *text)
{
    if (good)
        return;
    complain("line %d: check %d failed: %s\n", (long)line, (long)number, text);
    sys(exit_group, number);
}

static inline void equal(int number, int line, long actual, long wanted, const char *text)
{
    if (actual == wanted)
        return;
    complain("line %d: check %d failed: %s is %d (%x), not %d (%x)\n", (long)line, (long)number, text, actual, actual,
             wanted, wanted);
    sys(exit_group, number);
}

// --- memory ----------------------------------------------------------------------------------------------------

#define BAD_POINTER ((void *)0x1000)                        // never mapped: below mmap_min_addr
#define KERNEL_POINTER ((void *)0xffff800000000000)         // the kernel's half
#define NONCANONICAL_POINTER ((void *)0x0000800000000000)   // neither half

static inline void *map(void *where, size_t n_bytes, int prot, int more_flags)
{
    return (void *)sys(mmap, where, n_bytes, prot, MAP_PRIVATE | MAP_ANONYMOUS | more_flags, -1, 0);
}

enum { UNMAPPED = 0, READABLE = 1, WRITABLE = 2 };

// What the kernel can do with the byte at p, which goes through a file, `probe` in the working directory, and stays.
static inline int probe(const volatile void *p)
{
    static int fd = -1;
    if (fd < 0) {
        fd = sys(open, "probe", O_RDWR | O_CREAT | O_TRUNC, 0600);
        check(254, __LINE__, fd >= 0, "cannot create the file `probe`");
    }
    int readable = sys(pwrite64, fd, p, 1, 0) == 1;
    int writable = readable && sys(pread64, fd, p, 1, 0) == 1;
    return (readable ? READABLE : 0) | (writable ? WRITABLE : 0);
}

// The kernel's stack frame for a new program: argc, argv, NULL, envp, NULL, auxv, AT_NULL
static inline unsigned long *auxv_after(char **envp)
{
    while (*envp)
        envp++;
    return (unsigned long *)(envp + 1);
}

static inline unsigned long auxv_value(char **envp, unsigned long type)
{
    for (unsigned long *pair = auxv_after(envp); pair[0]; pair += 2)
        if (pair[0] == type)
            return pair[1];
    return 0;
}

// --- start -----------------------------------------------------------------------------------------------------

int main(int argc, char **argv, char **envp);

__asm__(".text\n"
        ".globl _start\n"
        "_start:\n"
        "    xor %ebp, %ebp\n"
        "    mov %rsp, %rdi\n"
        "    and $-16, %rsp\n"
        "    call raw_start\n");

__attribute__((used, noreturn)) static void raw_start(long *stack)
{
    char **argv = (char **)(stack + 1);
    sys(exit_group, main((int)stack[0], argv, argv + stack[0] + 1));
    __builtin_unreachable();
}

#endif
