// Processes that race for shared memory, a pipe and the order of their ends; prints what came of it with an argument.
// variants: glibc-static
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define N_PROCESSES 5
#define N_ROUNDS 300

struct shared {
    atomic_int n_events;
    unsigned char who[N_PROCESSES * N_ROUNDS];
};

int main(int argc, char **argv)
{
    (void)argv;
    int fds[2], status;
    struct shared *shared = mmap(0, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED || pipe(fds))
        return 1;
    for (int me = 0; me < N_PROCESSES; me++) {
        pid_t child = fork();
        if (child == 0) {
            for (int i = 0; i < N_ROUNDS; i++) {
                char *p = malloc(100 + i * 50);
                shared->who[atomic_fetch_add(&shared->n_events, 1)] = (unsigned char)me;
                if (!p || (i % 97 == 0 && write(fds[1], &"abcdefgh"[me], 1) != 1))
                    _exit(1);
                if (i % 3)
                    free(p);
            }
            _exit(0);
        }
        if (child < 0)
            return 2;
    }
    char text[N_PROCESSES * N_ROUNDS] = "", *end = text;
    for (int i = 0; i < N_PROCESSES; i++) {
        pid_t child = wait(&status);
        if (child < 0 || status)
            return 3;
        if (argc > 1)
            printf("%d ", (int)child - (int)getpid());
    }
    close(fds[1]);
    for (ssize_t n; (n = read(fds[0], end, sizeof text - 1 - (size_t)(end - text))) > 0; end += n)
        ;
    unsigned order = 0;
    for (int i = 0; i < shared->n_events; i++)
        order = order * 31 + shared->who[i];
    if (end - text != N_PROCESSES * 4)
        return 4;
    if (argc > 1)
        printf("%s %08x\n", text, order);
    return 0;
}
