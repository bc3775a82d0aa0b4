// Pseudoterminals without a libc: a pair, its settings, and what comes out of an end.
#ifndef RAW_TTY_H
#define RAW_TTY_H

#include "raw_process.h"

#include <asm/ioctls.h>
#include <asm/poll.h>
#include <asm/termbits.h>
#include <asm/termios.h>

static int master, slave;

// A new pair in these variables; the slave is nobody's controlling terminal.
static inline void open_pair(void)
{
    int unlocked = 0;
    master = sys(open, "/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
    check(251, __LINE__, master >= 0, "cannot open /dev/ptmx");
    check(251, __LINE__, sys(ioctl, master, TIOCSPTLCK, &unlocked) == 0, "cannot unlock the slave");
    slave = sys(ioctl, master, TIOCGPTPEER, O_RDWR | O_NOCTTY);
    check(251, __LINE__, slave >= 0, "cannot open the slave");
}

static inline void close_pair(void)
{
    sys(close, slave);
    sys(close, master);
}

static inline void pts_name(char *name) // at least 20 bytes
{
    unsigned number = 0;
    check(250, __LINE__, sys(ioctl, master, TIOCGPTN, &number) == 0, "no number");
    char digits[12], *text = print_number(digits + 11, number, 10);
    memcpy(name, "/dev/pts/", 9);
    memcpy(name + 9, text, digits + 11 - text);
    name[9 + (digits + 11 - text)] = 0;
}

static inline struct termios settings(void)
{
    struct termios now;
    check(249, __LINE__, sys(ioctl, slave, TCGETS, &now) == 0, "no settings");
    return now;
}

static inline void set(const struct termios *now)
{
    check(248, __LINE__, sys(ioctl, slave, TCSETS, now) == 0, "cannot set");
}

static inline void without(unsigned lflag)
{
    struct termios now = settings();
    now.c_lflag &= ~lflag;
    set(&now);
}

static inline void with(unsigned lflag)
{
    struct termios now = settings();
    now.c_lflag |= lflag;
    set(&now);
}

// Bytes as they are, both ways
static inline void make_raw(int min, int deciseconds)
{
    struct termios now = settings();
    now.c_iflag = now.c_oflag = 0;
    now.c_lflag = 0;
    now.c_cc[VMIN] = min;
    now.c_cc[VTIME] = deciseconds;
    set(&now);
}

static inline void type(const char *keys)
{
    check(247, __LINE__, sys(write, master, keys, strlen(keys)) == (long)strlen(keys), "cannot type");
}

// Whether exactly this comes out of an end, in time.
static inline int comes(int fd, const char *text)
{
    char got[256];
    size_t n = strlen(text), done = 0;
    while (done < n) {
        struct pollfd wait = {fd, POLLIN, 0};
        if (sys(poll, &wait, 1, 5000) != 1)
            break;
        long more = sys(read, fd, got + done, n - done);
        if (more <= 0)
            break;
        done += more;
    }
    return done == n && memcmp(got, text, n) == 0;
}

static inline int events(int fd)
{
    struct pollfd ask = {fd, POLLIN | POLLOUT | POLLPRI, 0};
    sys(poll, &ask, 1, 0);
    return ask.revents;
}

#endif
