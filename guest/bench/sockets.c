// Sockets between two processes, one kind at a time: sockets KIND COUNT prints "KIND done".
// tcp, unix: COUNT writes of 64 KiB by a child, read by the parent. ping, unixping: one byte there and back, COUNT times.
// accept: COUNT times socket, connect and close against a child that accepts and closes. udp: a datagram there and back.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static char block[1 << 16];
static struct sockaddr_in name = {.sin_family = AF_INET};

static int checked(int result)
{
    if (result < 0) {
        perror("sockets");
        exit(1);
    }
    return result;
}

static int listener(void)
{
    int fd = checked(socket(AF_INET, SOCK_STREAM, 0));
    socklen_t length = sizeof name;
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    checked(bind(fd, (struct sockaddr *)&name, sizeof name));
    checked(listen(fd, 128));
    checked(getsockname(fd, (struct sockaddr *)&name, &length));
    return fd;
}

static int connected(void)
{
    int fd = checked(socket(AF_INET, SOCK_STREAM, 0));
    checked(connect(fd, (struct sockaddr *)&name, sizeof name));
    return fd;
}

// Two ends: s[0] for the parent, s[1] for the child
static void ends(int s[2], const char *kind)
{
    if (!strncmp(kind, "unix", 4))
        checked(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
    else if (!strcmp(kind, "udp")) {
        for (int i = 0; i < 2; i++) {
            s[i] = checked(socket(AF_INET, SOCK_DGRAM, 0));
            name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
            name.sin_port = 0;
            checked(bind(s[i], (struct sockaddr *)&name, sizeof name));
        }
        for (int i = 0; i < 2; i++) {
            socklen_t length = sizeof name;
            checked(getsockname(s[i], (struct sockaddr *)&name, &length));
            checked(connect(s[!i], (struct sockaddr *)&name, sizeof name));
        }
    } else {
        int fd = listener(), on = 1;
        s[0] = connected();
        s[1] = checked(accept(fd, NULL, NULL));
        for (int i = 0; i < 2; i++)
            checked(setsockopt(s[i], IPPROTO_TCP, TCP_NODELAY, &on, sizeof on));
        close(fd);
    }
}

static void finish(pid_t child, const char *kind)
{
    int status;
    if (waitpid(child, &status, 0) != child || status)
        exit(1);
    printf("%s done\n", kind);
}

static void stream(const char *kind, long count)
{
    int s[2];
    ends(s, kind);
    pid_t child = checked(fork());
    if (child == 0) {
        close(s[0]);
        for (long i = 0; i < count; i++)
            if (write(s[1], block, sizeof block) != sizeof block)
                _exit(1);
        _exit(0);
    }
    close(s[1]);
    long total = 0, got;
    while ((got = read(s[0], block, sizeof block)) > 0)
        total += got;
    if (total != count * (long)sizeof block)
        exit(1);
    finish(child, kind);
}

static void ping(const char *kind, long count)
{
    int s[2];
    char byte = 1;
    ends(s, kind);
    pid_t child = checked(fork());
    if (child == 0) {
        for (long i = 0; i < count; i++)
            if (read(s[1], &byte, 1) != 1 || write(s[1], &byte, 1) != 1)
                _exit(1);
        _exit(0);
    }
    for (long i = 0; i < count; i++)
        if (write(s[0], &byte, 1) != 1 || read(s[0], &byte, 1) != 1)
            exit(1);
    finish(child, kind);
}

static void accepting(const char *kind, long count)
{
    int fd = listener();
    pid_t child = checked(fork());
    if (child == 0) {
        for (long i = 0; i < count; i++)
            close(checked(accept(fd, NULL, NULL)));
        _exit(0);
    }
    for (long i = 0; i < count; i++)
        close(connected());
    finish(child, kind);
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    const char *kind = argv[1];
    long count = atol(argv[2]);
    if (!strcmp(kind, "tcp") || !strcmp(kind, "unix"))
        stream(kind, count);
    else if (!strcmp(kind, "accept"))
        accepting(kind, count);
    else
        ping(kind, count);
    return 0;
}
