// Pseudoterminals (pty(7)): making a pair, its lock and its names; the ends of the slave and of the master; stat(2).
#include "raw_tty.h"

#include <linux/stat.h>
#include <asm/stat.h>

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    char name[32], byte[16];
    int number, locked;
    struct stat status, same;

    master = sys(open, "/dev/ptmx", O_RDWR | O_NOCTTY);
    CHECK(master >= 0);
    EQ(sys(ioctl, master, TIOCGPTN, &number), 0);
    EQ(sys(ioctl, master, TIOCGPTLCK, &locked), 0);
    EQ(locked, 1);
    pts_name(name);
    EQ(sys(open, name, O_RDWR | O_NOCTTY), -EIO);
    EQ(sys(ioctl, master, TIOCGPTPEER, O_RDWR | O_NOCTTY), -EIO);
    locked = 0;
    EQ(sys(ioctl, master, TIOCSPTLCK, &locked), 0);
    slave = sys(open, name, O_RDWR | O_NOCTTY);
    CHECK(slave >= 0);
    EQ(sys(fcntl, slave, F_GETFL, 0) & ~0100000, O_RDWR);
    EQ(sys(ioctl, slave, TIOCGPTPEER, O_RDWR), -EIO);
    EQ(sys(ioctl, slave, TIOCGPTN, &number), -ENOTTY);

    EQ(sys(stat, name, &status), 0);
    EQ(sys(fstat, slave, &same), 0);
    EQ(status.st_ino, same.st_ino);
    EQ(status.st_rdev, same.st_rdev);
    EQ(status.st_mode & S_IFMT, S_IFCHR);
    EQ(status.st_rdev >> 8 & 0xfff, 136);
    EQ(status.st_rdev & 0xff, number);
    EQ(sys(fstat, master, &status), 0);
    EQ(status.st_rdev, 5 << 8 | 2);
    int device;
    EQ(sys(ioctl, master, TIOCGDEV, &device), 0);
    EQ(device, same.st_rdev);

    // from end to end; the slave does lines, the master bytes
    EQ(sys(write, slave, "out\n", 4), 4);
    CHECK(comes(master, "out\r\n"));
    type("in\n");
    CHECK(comes(master, "in\r\n"));
    CHECK(comes(slave, "in\n"));
    EQ(sys(lseek, slave, 0, 0), -ESPIPE);
    EQ(sys(pread64, slave, byte, 1, 0), -ESPIPE);
    EQ(sys(write, slave, BAD_POINTER, 1), -EFAULT);
    EQ(sys(ftruncate, slave, 0), -EINVAL);
    EQ(sys(fsync, slave), -EINVAL);
    EQ(sys(mmap, NULL, PAGE, PROT_READ, MAP_SHARED, slave, 0), -ENODEV);

    // the slave is closed: the master reads what is left, then EIO, until it is opened again
    EQ(sys(write, slave, "left", 4), 4);
    sys(close, slave);
    for (int i = 0; i < 5000 && !(events(master) & POLLHUP); i++)
        nap(1);
    EQ(events(master), POLLIN | POLLOUT | POLLHUP);
    CHECK(comes(master, "left"));
    EQ(sys(read, master, byte, 1), -EIO);
    EQ(sys(write, master, "late\n", 5), 5);
    slave = sys(open, name, O_RDWR | O_NOCTTY | O_NONBLOCK);
    CHECK(comes(slave, "late\n"));
    CHECK(comes(master, "late\r\n"));
    EQ(events(master), POLLOUT);
    EQ(sys(read, slave, byte, 1), -EAGAIN);

    // the master is closed: the slave has hung up for good
    EQ(sys(write, master, "lost\n", 5), 5);
    sys(close, master);
    EQ(sys(read, slave, byte, 1), 0);
    EQ(sys(write, slave, "x", 1), -EIO);
    EQ(events(slave), POLLIN | POLLOUT | POLLERR | POLLHUP);
    struct termios ignored;
    EQ(sys(ioctl, slave, TCGETS, &ignored), -EIO);
    EQ(sys(ioctl, slave, TIOCSPGRP, &number), -ENOTTY);
    EQ(sys(stat, name, &status), -ENOENT);
    EQ(sys(fstat, slave, &status), 0);
    EQ(sys(fcntl, slave, F_GETFL, 0) & ~0100000, O_RDWR | O_NONBLOCK);
    sys(close, slave);

    // a reader that waits meanwhile is told EIO
    open_pair();
    int *words = shared(PAGE);
    long child = sys(fork);
    if (child == 0) {
        sys(close, master);
        words[0] = 1;
        words[1] = sys(read, slave, byte, 1);
        quit(0);
    }
    await(&words[0], 1);
    nap(20);
    sys(close, master);
    EQ(wait_status(child), 0);
    EQ(words[1], -EIO);
    sys(close, slave);

    // for one alone: TIOCEXCL (which root may pass over)
    open_pair();
    pts_name(name);
    EQ(sys(ioctl, slave, TIOCEXCL, 0), 0);
    EQ(sys(ioctl, slave, TIOCGEXCL, &number), 0);
    EQ(number, 1);
    int again = sys(open, name, O_RDWR | O_NOCTTY);
    EQ(again, sys(geteuid) == 0 ? again : -EBUSY);
    EQ(sys(ioctl, slave, TIOCNXCL, 0), 0);
    EQ(sys(mkdir, "/dev/pts/new", 0700) < 0, 1);
    EQ(sys(unlink, name) < 0, 1);
    return 0;
}
