// Runs seccomp filters that come on standard input, each as a 16-bit number of instructions and the instructions: for
// each a line with the errno of its being set and, where it was, what some calls gave, or how the process ended.
// args: none
#include "raw_seccomp.h"

static const unsigned long arguments[][2] = {
    {0, 0}, {1, 2}, {0xffffffff, 3}, {0x80000000, 0x7fffffff}, {7, 0}, {0x123456789abcdef0, 33}, {5, 5}, {31, 0xfffffffe},
};
#define N_CALLS (int)(sizeof arguments / sizeof *arguments)

int main(int argc, char **argv, char **envp)
{
    (void)argv, (void)envp;
    volatile long *page = shared(PAGE);
    static struct sock_filter insns[4096];
    unsigned short n;
    while (argc == 1 && sys(read, 0, &n, 2) == 2) {
        CHECK(sys(read, 0, insns, n * 8) == n * 8);
        memset((void *)page, 0, PAGE);
        long pid = sys(fork);
        if (pid == 0) {
            no_new_privs();
            page[0] = set_filter(0, insns, n);
            for (int i = 0; page[0] == 0 && i < N_CALLS; i++) {
                page[i + 2] = sys(getpriority, arguments[i][0], arguments[i][1]);
                page[1]++;
            }
            quit(0);
        }
        int status = wait_status(pid) & ~0x80;
        print("%d %d %x:", page[0], page[1], (long)status);
        for (int i = 0; i < page[1]; i++)
            print(" %d", page[i + 2]);
        print("\n");
    }
    return 0;
}
