// inotify(7): what is too much is an IN_Q_OVERFLOW, once; a user has so many instances and no more.
#include "raw_inotify.h"

MAIN
{
    int note = sys(inotify_init1, O_NONBLOCK);
    EQ(sys(mkdir, "dir", 0755), 0);
    int wd = sys(inotify_add_watch, note, "dir", IN_CREATE | IN_DELETE), n = 0;
    for (int i = 0; i < 8200; i++) {
        sys(symlink, "x", "dir/l");
        sys(unlink, "dir/l");
    }
    for (;;) {
        long got = sys(read, note, event_space, sizeof event_space);
        if (got == -EAGAIN)
            break;
        for (long at = 0; at < got; n++) {
            struct inotify_event *event = (struct inotify_event *)(event_space + at);
            at += sizeof *event + event->len;
            if (event->mask & IN_Q_OVERFLOW) {
                EQ(event->wd, -1);
                EQ(at, got);
            }
        }
    }
    EQ(n, 16385);
    EQ(sys(inotify_rm_watch, note, wd), 0);
    told(note, "and goes on");
    n = 0;
    while (n < 200 && sys(inotify_init) >= 0)
        n++;
    CHECK(n < 128); // fs.inotify.max_user_instances
    return 0;
}
