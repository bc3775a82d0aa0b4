// select(2), pselect6(2): three sets, the count over all of them, the time that is left; EBADF for a closed descriptor,
// but not for one above the table of descriptors; the other mask of pselect6.
#include "raw_poll.h"

static volatile int count;

static void on_signal(int signo, siginfo_t *info, struct raw_ucontext *context)
{
    (void)signo, (void)info, (void)context;
    count++;
}

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    for (int fd = 3; fd < 1024; fd++)
        sys(close, fd);
    int ends[2];
    make_pipe(ends, 0);
    int n = ends[1] + 1;
    bitset in, out, other;
    struct __kernel_old_timeval time = {0, 0};
    clear(&in), clear(&out), clear(&other);
    put_bit(&in, ends[0]), put_bit(&in, ends[1]), put_bit(&out, ends[0]), put_bit(&out, ends[1]);
    put_bit(&other, ends[0]);
    in.bits[1] = 77;
    EQ(sys(select, n, &in, &out, &other, &time), 1);
    EQ(in.bits[0], 0);
    EQ(in.bits[1], 77);                                         // only the words that n needs
    CHECK(has_bit(&out, ends[1]) && !has_bit(&out, ends[0]));
    CHECK(is_empty(&other));
    sys(write, ends[1], "x", 1);
    clear(&in), put_bit(&in, ends[0]);
    EQ(sys(select, n, &in, &out, NULL, NULL), 2);
    CHECK(has_bit(&in, ends[0]) && has_bit(&out, ends[1]));
    EQ(sys(select, ends[1], NULL, &out, NULL, &time), 0);       // n is one more than the highest
    EQ(is_empty(&out), 1);

    // a hung-up pipe is readable, one without readers writable
    int dead[2];
    make_pipe(dead, 0);
    int reader = sys(dup, dead[0]);
    sys(close, dead[0]), sys(close, reader);
    clear(&out), put_bit(&out, dead[1]);
    EQ(sys(select, 64, NULL, &out, NULL, NULL), 1);
    make_pipe(dead, 0);
    sys(close, dead[1]);
    clear(&in), put_bit(&in, dead[0]);
    EQ(sys(select, 64, &in, NULL, NULL, NULL), 1);
    int file = sys(open, "file", O_RDWR | O_CREAT, 0600);
    clear(&in), clear(&out), clear(&other);
    put_bit(&in, file), put_bit(&out, file), put_bit(&other, file);
    EQ(sys(select, 64, &in, &out, &other, NULL), 2);            // never an exceptional condition

    // the time
    char byte;
    sys(read, ends[0], &byte, 1);
    time.tv_sec = 10, time.tv_usec = 0;
    clear(&out), put_bit(&out, ends[1]);
    EQ(sys(select, n, NULL, &out, NULL, &time), 1);
    CHECK(time.tv_sec == 9 && time.tv_usec > 0);
    time.tv_sec = 1, time.tv_usec = 5000000;                    // more than a second of microseconds
    EQ(sys(select, n, NULL, &out, NULL, &time), 1);
    CHECK(time.tv_sec == 5);
    time.tv_sec = 0, time.tv_usec = 20000;
    clear(&in), put_bit(&in, ends[0]);
    long before = now_ms();
    EQ(sys(select, n, &in, NULL, NULL, &time), 0);
    CHECK(now_ms() - before >= 19);
    CHECK(time.tv_sec == 0 && time.tv_usec == 0);
    EQ(is_empty(&in), 1);
    time.tv_usec = 1000;
    EQ(sys(select, 0, NULL, NULL, NULL, &time), 0);
    EQ(sys(select, n, &in, &in, &in, &time), 0);                // nobody is waited for

    // errors
    clear(&in), put_bit(&in, 50);
    time.tv_sec = 10, time.tv_usec = 0;
    EQ(sys(select, 51, &in, NULL, NULL, &time), -EBADF);
    CHECK(has_bit(&in, 50));
    CHECK(time.tv_sec == 9);                                    // the time is told all the same
    time.tv_sec = 0;
    EQ(sys(select, 50, &in, NULL, NULL, &time), 0);
    put_bit(&in, 50);
    EQ(sys(select, 51, NULL, NULL, &in, &time), -EBADF);
    EQ(sys(select, -1, BAD_POINTER, NULL, NULL, &time), -EINVAL);
    EQ(sys(select, 1, BAD_POINTER, NULL, NULL, &time), -EFAULT);
    EQ(sys(select, 0, BAD_POINTER, NULL, NULL, &time), 0);
    EQ(sys(select, -1, NULL, NULL, NULL, BAD_POINTER), -EFAULT);
    time.tv_sec = -1;
    EQ(sys(select, -1, NULL, NULL, NULL, &time), -EINVAL);
    time.tv_sec = 0, time.tv_usec = -1;
    EQ(sys(select, 0, NULL, NULL, NULL, &time), -EINVAL);
    time.tv_usec = 0;
    long child = sys(fork);
    if (child == 0) {                                           // its table has room for 64 numbers
        clear(&in), put_bit(&in, 200);
        quit(sys(select, 1024, &in, NULL, NULL, &time) == 0 && has_bit(&in, 200) ? 0 : 1);
    }
    EQ(wait_status(child), EXITED(0));

    // pselect6
    struct __kernel_timespec fine = {0, 5 * MS};
    unsigned long usr1 = 1UL << (SIGUSR1 - 1), none = 0, old;
    struct { unsigned long *mask; unsigned long size; } pack = {&none, 8};
    raw_handle(SIGUSR1, on_signal, SA_RESTART);
    sys(rt_sigprocmask, SIG_SETMASK, &usr1, NULL, 8);
    clear(&in), put_bit(&in, ends[0]);
    EQ(sys(pselect6, n, &in, NULL, NULL, &fine, &pack), 0);
    CHECK(fine.tv_sec == 0 && fine.tv_nsec == 0);
    sys(kill, self(), SIGUSR1);
    clear(&in), put_bit(&in, ends[0]);
    fine.tv_sec = 10;
    EQ(sys(pselect6, n, &in, NULL, NULL, &fine, &pack), -EINTR);
    EQ(count, 1);
    CHECK(fine.tv_sec == 9);
    CHECK(has_bit(&in, ends[0]));                               // as it was
    sys(rt_sigprocmask, SIG_BLOCK, NULL, &old, 8);
    EQ(old, usr1);
    pack.mask = NULL, pack.size = 99;
    clear(&out), put_bit(&out, ends[1]);
    EQ(sys(pselect6, n, NULL, &out, NULL, NULL, &pack), 1);
    EQ(sys(pselect6, n, NULL, &out, NULL, NULL, NULL), 1);
    pack.mask = &none;
    EQ(sys(pselect6, -1, NULL, &out, NULL, NULL, &pack), -EINVAL);
    pack.size = 8, pack.mask = BAD_POINTER;
    EQ(sys(pselect6, -1, NULL, &out, NULL, NULL, &pack), -EFAULT);
    EQ(sys(pselect6, -1, NULL, &out, NULL, BAD_POINTER, NULL), -EFAULT);
    EQ(sys(pselect6, -1, NULL, &out, NULL, NULL, BAD_POINTER), -EFAULT);
    EQ(sys(pselect6, -1, NULL, NULL, NULL, NULL, NULL), -EINVAL);

    // until a child writes
    child = sys(fork);
    if (child == 0) {
        nap(15);
        sys(write, ends[1], "x", 1);
        quit(0);
    }
    clear(&in), put_bit(&in, ends[0]);
    EQ(sys(select, n, &in, NULL, NULL, NULL), 1);
    EQ(wait_status(child), EXITED(0));
    return 0;
}
