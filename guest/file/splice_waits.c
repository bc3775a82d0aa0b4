// splice(2), tee(2) and sendfile(2) wait for bytes and for room, and go on as soon as they come.
#include "raw_file.h"

static char text[100000];

MAIN
{
    int in[2], out[2], file = new_file("file");
    volatile long *step = shared(PAGE);
    EQ(sys(pipe2, in, 0), 0);
    EQ(sys(pipe2, out, 0), 0);
    EQ(sys(write, file, text, sizeof text), sizeof text);
    // Bytes that come later
    long child = IN_CHILD(quit(sys(splice, in[0], NULL, out[1], NULL, 100, 0)));
    nap(20);
    EQ(sys(write, in[1], text, 7), 7);
    EQ(wait_status(child), EXITED(7));
    EQ(sys(read, out[0], text, 100), 7);
    child = IN_CHILD(quit(sys(tee, in[0], out[1], 100, 0)));
    nap(20);
    EQ(sys(write, in[1], text, 8), 8);
    EQ(wait_status(child), EXITED(8));
    EQ(sys(read, out[0], text, 100), 8);
    EQ(sys(read, in[0], text, 100), 8);
    // To a file: what comes first is all
    child = IN_CHILD(quit(sys(splice, in[0], NULL, file, NULL, 100, 0)));
    nap(20);
    EQ(sys(write, in[1], text, 9), 9);
    EQ(wait_status(child), EXITED(9));
    // Room that comes later
    EQ(sys(write, out[1], text, 65536), 65536);
    child = IN_CHILD({
        long at = 0;
        step[0] = sys(splice, file, &at, out[1], NULL, 5000, 0);
        step[1] = at;
    });
    nap(20);
    EQ(sys(read, out[0], text, 4096), 4096);
    wait_status(child);
    EQ(step[0], 4096);
    EQ(step[1], 4096);
    // sendfile into a pipe gives what goes in at once
    child = IN_CHILD({
        long at = 0;
        step[0] = sys(sendfile, out[1], file, &at, 50000);
        step[1] = at;
    });
    nap(20);
    EQ(sys(read, out[0], text, 2 * 4096), 2 * 4096);
    wait_status(child);
    EQ(step[0], 2 * 4096);
    EQ(step[1], 2 * 4096);
    // The last writer's end
    child = IN_CHILD({
        sys(close, in[1]);
        quit(sys(splice, in[0], NULL, file, NULL, 100, 0) ? 1 : 2);
    });
    nap(20);
    sys(close, in[1]);
    EQ(wait_status(child), EXITED(2));
    // The last reader's
    child = IN_CHILD({
        long at = 0;
        sys(close, out[0]);
        sys(splice, file, &at, out[1], NULL, 5000, 0);
    });
    nap(20);
    sys(close, out[0]);
    EQ(wait_status(child), SIGPIPE);
    return 0;
}
