// Prints what an inotify instance has to tell, after each thing that is done.
#ifndef RAW_INOTIFY_H
#define RAW_INOTIFY_H

#include "raw_file.h"

#include <linux/inotify.h>

static const char *const event_names[] = {"ACCESS",     "MODIFY",   "ATTRIB",      "CLOSE_WRITE", "CLOSE_NOWRITE",
                                          "OPEN",       "MOVED_FROM", "MOVED_TO",  "CREATE",      "DELETE",
                                          "DELETE_SELF", "MOVE_SELF", "0x1000",    "UNMOUNT",     "Q_OVERFLOW",
                                          "IGNORED"};
static char event_space[65536] __attribute__((aligned(8)));

static inline void show_event(const struct inotify_event *event, unsigned *cookie)
{
    print("  %d", (long)event->wd);
    for (int bit = 0; bit < 16; bit++)
        if (event->mask >> bit & 1)
            print(" %s", event_names[bit]);
    if (event->mask & IN_ISDIR)
        print(" ISDIR");
    if (event->cookie)
        print(*cookie == event->cookie ? " (the same)" : " (cookie)");
    *cookie = event->cookie;
    if (event->len)
        print(" %s %d", event->name, (long)event->len);
    print("\n");
}

// All that is there now, one line an event; the descriptor does not block
static inline void told(int fd, const char *after)
{
    unsigned cookie = 0;
    print("%s\n", after);
    for (;;) {
        long got = sys(read, fd, event_space, sizeof event_space);
        if (got == -EAGAIN)
            return;
        check(249, __LINE__, got > 0, "read of events");
        for (long at = 0; at < got;) {
            struct inotify_event *event = (struct inotify_event *)(event_space + at);
            show_event(event, &cookie);
            at += sizeof *event + event->len;
        }
    }
}

#endif
