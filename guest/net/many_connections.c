// Two thousand TCP connections at once between two processes: each is accepted, says a word, and is told it back.
#include "raw_net.h"
#include <linux/resource.h>

#define MOST 2000

static int clients[MOST], servers[MOST];

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    struct rlimit64 { unsigned long soft, hard; } limit;
    EQ(sys(prlimit64, 0, RLIMIT_NOFILE, NULL, &limit), 0);
    limit.soft = limit.hard;
    EQ(sys(prlimit64, 0, RLIMIT_NOFILE, &limit, NULL), 0);
    int count = limit.hard >= MOST + 50 ? MOST : (int)limit.hard - 50, word;
    int listener = new_socket(AF_INET, STREAM);
    EQ(bind4(listener, LOOPBACK, 0), 0);
    EQ(sys(listen, listener, 128), 0);
    long pid = sys(fork);
    if (pid == 0) {
        for (int i = 0; i < count; i++) {
            servers[i] = sys(accept, listener, NULL, NULL);
            if (servers[i] < 0)
                quit(1);
        }
        for (int i = 0; i < count; i++)
            if (sys(read, servers[i], &word, sizeof word) != sizeof word ||
                sys(write, servers[i], &word, sizeof word) != sizeof word)
                quit(2);
        quit(0);
    }
    for (int i = 0; i < count; i++) {
        clients[i] = new_socket(AF_INET, STREAM);
        EQ(connect4(clients[i], LOOPBACK, port_of(listener)), 0);
        EQ(send(clients[i], &i, sizeof i, 0), sizeof i);
    }
    for (int i = 0; i < count; i++) {
        EQ(recv(clients[i], &word, sizeof word, MSG_WAITALL), sizeof word);
    }
    EQ(wait_status(pid), 0);
    for (int i = 0; i < count; i++)
        EQ(recv(clients[i], &word, sizeof word, 0), 0);         // its end has come
    return 0;
}
