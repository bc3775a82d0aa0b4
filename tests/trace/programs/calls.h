/* What the programs share: one way to make a raw call, and awkward pointers. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/futex.h>
#include <linux/openat2.h>
#include <linux/prctl.h>
#include <asm/prctl.h>
#include <asm/termbits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SA_RESTORER 0x04000000 /* asm/signal.h */
#define BAD ((void *) 0x1000)
#define call(...) raw((long[7]){__VA_ARGS__})

#define TEN "/123456789"
#define HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN
#define LONG_PATH HUNDRED HUNDRED
#define HUGE_PATH (memset(huge, 'a', sizeof huge - 1), huge)

static char huge[5000];
static char page[8192];
static char edge[3 * 4096] __attribute__((aligned(4096)));

/* The number and six arguments; those not given are 0. */
static long raw(const long *a)
{
    register long r10 __asm__("r10") = a[4], r8 __asm__("r8") = a[5], r9 __asm__("r9") = a[6];
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(a[0]), "D"(a[1]), "S"(a[2]), "d"(a[3]), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}

/* The string's last byte is the last byte of a page whose neighbour is not there. */
static char *at_page_end_unterminated(const char *text)
{
    call(SYS_munmap, edge + 8192, 4096);
    size_t n = strlen(text);
    return memcpy(edge + 8192 - n, text, n);
}

static char *at_page_end(const char *text)
{
    char *at = at_page_end_unterminated(text);
    size_t n = strlen(text);
    memmove(at - 1, at, n);
    at[n - 1] = 0;
    return at - 1;
}
