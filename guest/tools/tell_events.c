// build: -O1 -static
// Watches the working directory, says "ready", and prints what happens there by name until it is "end" that is created.
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

int main(void)
{
    static char space[4096] __attribute__((aligned(8)));
    int note = inotify_init(), is_last = 0;
    if (inotify_add_watch(note, ".", IN_CREATE | IN_MODIFY | IN_DELETE | IN_MOVE | IN_OPEN) < 0)
        return 1;
    puts("ready");
    fflush(stdout);
    alarm(20);
    while (!is_last) {
        long n = read(note, space, sizeof space);
        if (n <= 0)
            return 2;
        for (char *at = space; at < space + n;) {
            struct inotify_event *event = (void *)at;
            printf("%x %s\n", event->mask, event->name);
            is_last |= !strcmp(event->name, "end") && event->mask & IN_CREATE;
            at += sizeof *event + event->len;
        }
    }
    return 0;
}
