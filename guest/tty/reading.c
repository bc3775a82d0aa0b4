// How long a read waits (termios(3)): lines and ends of file in canonical mode; MIN and TIME in its four cases otherwise,
// with poll(2), O_NONBLOCK, signals and ^S.
#include "raw_tty.h"

static long now_ms(void)
{
    struct __kernel_timespec time;
    sys(clock_gettime, 1, &time);
    return time.tv_sec * 1000 + time.tv_nsec / MS;
}

static volatile int n_handled;

static void count(int signo, siginfo_t *info, struct raw_ucontext *context)
{
    (void)signo, (void)info, (void)context;
    n_handled++;
}

// Types after so many milliseconds, in a child of its own.
static long type_later(const char *keys, long ms)
{
    long child = sys(fork);
    if (child == 0) {
        nap(ms);
        type(keys);
        quit(0);
    }
    return child;
}

static void set_blocking(int fd, int blocking)
{
    long flags = sys(fcntl, fd, F_GETFL, 0);
    sys(fcntl, fd, F_SETFL, blocking ? flags & ~O_NONBLOCK : flags | O_NONBLOCK);
}

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    char bytes[256];
    int n;
    open_pair();
    without(ECHO);

    // lines
    type("one\ntwo\nthr");
    nap(5);
    EQ(sys(ioctl, slave, FIONREAD, &n), 0);
    EQ(n, 8);
    EQ(sys(read, slave, bytes, sizeof bytes), 4);
    EQ(sys(read, slave, bytes, 2), 2);
    EQ(sys(read, slave, bytes, 2), 2);
    set_blocking(slave, 0);
    EQ(sys(read, slave, bytes, 2), -EAGAIN);
    type("ee\x04");                                         // an end of file sends what there is
    CHECK(comes(slave, "three"));
    nap(5);
    EQ(sys(read, slave, bytes, 2), -EAGAIN);
    type("\x04x\x04");
    nap(5);
    EQ(sys(read, slave, bytes, 2), 0);
    EQ(sys(read, slave, bytes, 1), 1);                      // and the end of file is gone with it
    EQ(sys(read, slave, bytes, 1), -EAGAIN);
    type("\x16\x04\n" "a\x7f\x7f\x7f" "b c\x17" "d\x15" "e\n");
    nap(5);
    EQ(sys(read, slave, bytes, sizeof bytes), 2);           // ^V makes the next character plain
    EQ(bytes[0], 4);
    EQ(sys(read, slave, bytes, sizeof bytes), 2);
    EQ(bytes[0], 'e');
    set_blocking(slave, 1);

    // a signal
    raw_handle(SIGALRM, count, 0);
    struct __kernel_old_itimerval soon = {{0, 0}, {0, 20000}};
    sys(setitimer, 0, &soon, NULL);
    EQ(sys(read, slave, bytes, 1), -EINTR);
    EQ(n_handled, 1);

    // MIN > 0, TIME = 0
    make_raw(3, 0);
    type("ab");
    nap(5);
    EQ(events(slave), POLLOUT);
    EQ(sys(ioctl, slave, FIONREAD, &n), 0);
    EQ(n, 2);
    long child = type_later("c", 30);
    EQ(sys(read, slave, bytes, sizeof bytes), 3);
    EQ(wait_status(child), 0);
    type("ab");
    nap(5);
    EQ(sys(read, slave, bytes, 2), 2);                      // no more are wanted
    type("ab");
    nap(5);
    set_blocking(slave, 0);
    EQ(sys(read, slave, bytes, sizeof bytes), 2);
    EQ(sys(read, slave, bytes, sizeof bytes), -EAGAIN);
    set_blocking(slave, 1);
    type("ab");
    nap(5);
    sys(setitimer, 0, &soon, NULL);
    EQ(sys(read, slave, bytes, sizeof bytes), 2);           // a signal gives what there is
    EQ(n_handled, 2);

    // MIN > 0, TIME > 0: from the first byte on
    make_raw(10, 2);
    child = type_later("xy", 300);
    long start = now_ms();
    EQ(sys(read, slave, bytes, sizeof bytes), 2);
    CHECK(now_ms() - start >= 150);
    EQ(wait_status(child), 0);
    type("x");
    nap(5);
    EQ(events(slave), POLLIN | POLLOUT);                    // one is enough for poll here
    EQ(sys(read, slave, bytes, sizeof bytes), 1);

    // MIN = 0, TIME > 0
    make_raw(0, 2);
    start = now_ms();
    EQ(sys(read, slave, bytes, sizeof bytes), 0);
    CHECK(now_ms() - start >= 150);
    type("x");
    nap(5);
    EQ(sys(read, slave, bytes, sizeof bytes), 1);

    // MIN = 0, TIME = 0
    make_raw(0, 0);
    EQ(sys(read, slave, bytes, sizeof bytes), 0);
    type("xyz");
    nap(5);
    EQ(sys(read, slave, bytes, 2), 2);
    EQ(sys(read, slave, bytes, 2), 1);
    EQ(events(slave), POLLOUT);

    // back to lines: what is there is one
    type("half");
    nap(5);
    with(ICANON);
    EQ(sys(read, slave, bytes, sizeof bytes), 4);

    // TCSETSF throws input away, TCFLSH as well
    type("a\nb\n");
    nap(5);
    struct termios same = settings();
    EQ(sys(ioctl, slave, TCSETSF, &same), 0);
    type("c\nd\n");
    nap(5);
    EQ(sys(ioctl, slave, TCFLSH, TCIFLUSH), 0);
    EQ(sys(ioctl, slave, TCFLSH, 9), -EINVAL);
    set_blocking(slave, 0);
    EQ(sys(read, slave, bytes, sizeof bytes), -EAGAIN);

    // ^S stops output, ^Q lets it go on
    same.c_iflag |= IXON;
    set(&same);
    type("\x13");
    nap(5);
    EQ(sys(write, slave, "no", 2), -EAGAIN);
    EQ(events(slave), 0);
    type("\x11");
    nap(5);
    EQ(events(slave), POLLOUT);
    EQ(sys(write, slave, "yes", 3), 3);
    CHECK(comes(master, "yes"));

    // TIOCSTI types for the terminal's own (or for root)
    EQ(sys(ioctl, slave, TIOCSTI, BAD_POINTER) < 0, 1);
    return 0;
}
