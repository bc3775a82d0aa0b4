// What processes and threads cost, one kind at a time: tasks KIND COUNT [PROGRAM [ARGUMENT]...] prints "KIND done".
// pipe, futex: two processes pass a byte, two threads a word, to and fro, COUNT rounds. pair N, alone N: a pipe round in
// which each of two processes touches N pages of its own when its turn comes, and the same calls and pages in one.
// raise: a signal, its handler, and back. segv: a fault, and siglongjmp out of its handler. thread: create and join.
// fork: fork, exit, wait. exec: the same, and the child executes PROGRAM. clock: clock_gettime of the vDSO. yield.
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int to[2], fro[2];
static long count, n_pages;
static volatile char *pages;

static void must(int holds)
{
    if (!holds)
        _exit(1);
}

static void pass(int fd)
{
    must(write(fd, "x", 1) == 1);
}

static void receive(int fd)
{
    char byte;
    must(read(fd, &byte, 1) == 1);
    for (long i = 0; i < n_pages; i++)
        pages[i * 4096]++;
}

static void wait_for(pid_t child)
{
    int status;
    must(waitpid(child, &status, 0) == child && status == 0);
}

static void rounds(int alone)
{
    must(pipe(to) == 0 && pipe(fro) == 0);
    pages = mmap(0, (n_pages + 1) * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    must(pages != MAP_FAILED);
    for (long i = 0; i < n_pages; i++)
        pages[i * 4096] = 1;
    if (alone) {
        for (long i = 0; i < 2 * count; i++) {
            pass(to[1]);
            receive(to[0]);
        }
        return;
    }
    pid_t child = fork();
    if (child == 0) {
        for (long i = 0; i < count; i++) {
            receive(to[0]);
            pass(fro[1]);
        }
        _exit(0);
    }
    for (long i = 0; i < count; i++) {
        pass(to[1]);
        receive(fro[0]);
    }
    wait_for(child);
}

static _Atomic int turn;

static void play(int me)
{
    for (long i = 0; i < count; i++) {
        while (turn != me)
            syscall(SYS_futex, &turn, FUTEX_WAIT_PRIVATE, !me, 0, 0, 0);
        turn = !me;
        syscall(SYS_futex, &turn, FUTEX_WAKE_PRIVATE, 1, 0, 0, 0);
    }
}

static void *other(void *unused)
{
    play(1);
    return unused;
}

static void *nothing(void *unused)
{
    return unused;
}

static volatile long n_signals;
static sigjmp_buf back;

static void handle(int signo)
{
    n_signals += signo != 0;
}

static void jump(int signo)
{
    siglongjmp(back, signo);
}

int main(int argc, char **argv)
{
    must(argc >= 3);
    const char *kind = argv[1];
    count = atol(argv[2]);
    if (!strncmp(kind, "pair", 4) || !strncmp(kind, "alone", 5)) {
        n_pages = atol(kind + (kind[0] == 'p' ? 4 : 5));
        rounds(kind[0] == 'a');
    } else if (!strcmp(kind, "pipe")) {
        rounds(0);
    } else if (!strcmp(kind, "futex")) {
        pthread_t thread;
        must(pthread_create(&thread, 0, other, 0) == 0);
        play(0);
        pthread_join(thread, 0);
    } else if (!strcmp(kind, "raise")) {
        signal(SIGUSR1, handle);
        for (long i = 0; i < count; i++)
            raise(SIGUSR1);
        must(n_signals == count);
    } else if (!strcmp(kind, "segv")) {
        static volatile long i;
        static volatile int *volatile nowhere = (volatile int *)8;
        signal(SIGSEGV, jump);
        for (i = 0; i < count; i++)
            if (!sigsetjmp(back, 1))
                *nowhere = 1;
    } else if (!strcmp(kind, "thread")) {
        for (long i = 0; i < count; i++) {
            pthread_t thread;
            must(pthread_create(&thread, 0, nothing, 0) == 0);
            pthread_join(thread, 0);
        }
    } else if (!strcmp(kind, "fork") || !strncmp(kind, "exec", 4)) {
        for (volatile long i = 0; i < count; i++) {
            pid_t child = kind[0] == 'f' ? fork() : vfork();
            if (child == 0) {
                if (kind[0] == 'e')
                    execv(argv[3], argv + 3);
                _exit(kind[0] == 'e');
            }
            wait_for(child);
        }
    } else if (!strcmp(kind, "clock")) {
        struct timespec t, last = {0};
        for (long i = 0; i < count; i++, last = t) {
            clock_gettime(CLOCK_MONOTONIC, &t);
            must(t.tv_sec > last.tv_sec || (t.tv_sec == last.tv_sec && t.tv_nsec >= last.tv_nsec));
        }
    } else if (!strcmp(kind, "yield")) {
        for (long i = 0; i < count; i++)
            sched_yield();
    } else {
        return 2;
    }
    printf("%s done\n", kind);
    return 0;
}
