// vfork(2): the child runs in the parent's memory and the parent sleeps until it has called execve or exit; signals to
// the parent wait until then. clone with CLONE_VM|CLONE_VFORK and a stack of its own is the same.
#include "raw_process.h"

static volatile int number, seen;

static void on_signal(int signo, siginfo_t *info, struct raw_ucontext *context)
{
    (void)signo, (void)info, (void)context;
    seen = number;
}

static void child_body(void *argument)
{
    number = *(int *)argument;
    nap(20);
    sys(kill, parent(), SIGUSR1);
    nap(20);
    number++;
    quit(5);
}

int main(int argc, char **argv, char **envp)
{
    (void)argc;
    if (argv[1])
        quit(44);
    int ten = 10;
    char *stack = map(NULL, STACK_BYTES, PROT_READ | PROT_WRITE, 0);
    void **top = (void **)(stack + STACK_BYTES) - 2;
    top[0] = &ten;
    top[1] = (void *)child_body;
    raw_handle(SIGUSR1, on_signal, 0);
    long child = raw_clone(CLONE_VM | CLONE_VFORK | SIGCHLD, top, NULL, NULL, 0);
    CHECK(child > 0);
    EQ(number, 11);
    EQ(seen, 11);                                       // the handler ran only when the child was gone
    EQ(wait_status(child), EXITED(5));

    // execve wakes the parent too, and it finds its memory as the child left it
    static char *arguments[] = {NULL, "again", NULL};
    arguments[0] = argv[0];
    int before = number;
    __asm__ volatile("" ::: "memory");
    long pid;
    // the child may not return from the function that called vfork: everything happens here
    __asm__ volatile("mov $58, %%eax\n syscall\n"
                     "test %%eax, %%eax\n jnz 1f\n"
                     "incl %[number]\n"
                     "mov $59, %%eax\n mov %[path], %%rdi\n mov %[arguments], %%rsi\n mov %[envp], %%rdx\n syscall\n"
                     "mov $60, %%eax\n mov $99, %%edi\n syscall\n"
                     "1:"
                     : "=&a"(pid), [number] "+m"(number)
                     : [path] "r"(argv[0]), [arguments] "r"(arguments), [envp] "r"(envp)
                     : "rcx", "r11", "rdi", "rsi", "rdx", "memory");
    CHECK(pid > 0);
    EQ(number, before + 1);
    EQ(wait_status(pid), EXITED(44));
    return 0;
}
