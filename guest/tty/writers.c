// A write to a terminal that is full waits for the reader, and ends before another's begins (tty_write_lock); what a
// signal interrupts has written what it has.
#include "raw_tty.h"

#define N_BYTES 40000

static char buffer[N_BYTES];
static volatile int n_handled;

static void count(int signo, siginfo_t *info, struct raw_ucontext *context)
{
    (void)signo, (void)info, (void)context;
    n_handled++;
}

static long start_writer(int letter)
{
    long child = sys(fork);
    if (child == 0) {
        memset(buffer, letter, N_BYTES);
        quit(sys(write, slave, buffer, N_BYTES) == N_BYTES ? 0 : 1);
    }
    return child;
}

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    open_pair();
    struct termios now = settings();
    now.c_oflag = 0;
    set(&now);
    long first = start_writer('a');
    nap(20);
    long second = start_writer('b');
    nap(20);
    long flags = sys(fcntl, slave, F_GETFL, 0);
    sys(fcntl, slave, F_SETFL, flags | O_NONBLOCK);
    EQ(sys(write, slave, "c", 1), -EAGAIN);
    sys(fcntl, slave, F_SETFL, flags);
    int n_letters[2] = {0, 0}, n_changes = 0, last = 'a';
    while (n_letters[0] + n_letters[1] < 2 * N_BYTES) {
        char bytes[1000];
        long n = sys(read, master, bytes, sizeof bytes);
        CHECK(n > 0);
        for (long i = 0; i < n; i++) {
            n_changes += bytes[i] != last;
            last = bytes[i];
            n_letters[last - 'a']++;
        }
    }
    EQ(n_letters[0], N_BYTES);
    EQ(n_changes, 1);
    EQ(wait_status(first), 0);
    EQ(wait_status(second), 0);

    raw_handle(SIGALRM, count, 0);
    struct __kernel_old_itimerval soon = {{0, 0}, {0, 30000}};
    sys(setitimer, 0, &soon, NULL);
    long n = sys(write, slave, buffer, N_BYTES);
    CHECK(n > 4096 && n < N_BYTES);
    EQ(n_handled, 1);
    for (int i = 0; n > 0 && i < 10; i++) {                 // until nothing goes in any more
        sys(setitimer, 0, &soon, NULL);
        n = sys(write, slave, buffer, N_BYTES);
    }
    EQ(n, -EINTR);
    EQ(events(slave), 0);
    EQ(sys(ioctl, master, TCFLSH, TCIFLUSH), 0);
    return 0;
}
