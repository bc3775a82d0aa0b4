/* What the kernel fills in: results whose text depends on what came back, signals, and death.
   The trace of this program under the host's strace is what pyuk's tracer must say (strace(1)). */
#include "calls.h"
#include <sys/times.h>
#include <sys/un.h>
#include <netinet/in.h>
#include <utime.h>

static void on_signal(int signo, siginfo_t *info, void *context)
{
    call(SYS_getpgid, 99999999);
}

static void filled_in(void)
{
    call(SYS_time, NULL);
    call(SYS_time, page);
    call(SYS_clock_gettime, CLOCK_MONOTONIC, page);
    call(SYS_gettimeofday, page, NULL);
    call(SYS_times, page);
    call(SYS_times, NULL);
    call(SYS_getrusage, RUSAGE_SELF, page);
    call(SYS_sysinfo, page);
    call(SYS_sched_getaffinity, 0, 128, page);
    call(SYS_getcpu, page, page + 4, NULL);
    call(SYS_getpid);
    call(SYS_gettid);
    call(SYS_getpgrp);
    call(SYS_getpgid, 0);
    call(SYS_getsid, 0);
    call(SYS_readlink, "/sys/class/net/lo", page, 100);
    call(SYS_getdents, call(SYS_open, "/proc/self/fdinfo", O_RDONLY | O_DIRECTORY), page, 4096);
}

static void files(void)
{
    int fd = call(SYS_open, "/etc/passwd", O_RDONLY);
    call(SYS_ftruncate, fd, -1L);
    call(SYS_utime, "/nonexistent", NULL);
    call(SYS_utime, "/nonexistent", &(struct utimbuf){1, 1700000000});
    call(SYS_utimes, "/nonexistent", (struct timeval[2]){{1, 2}, {3, 0}});
    call(SYS_utimes, "/nonexistent", NULL);
    call(SYS_getxattr, "/etc/passwd", "user.none", page, 100);
    call(SYS_getxattr, "/etc/passwd", "user.none", NULL, 0);
    call(SYS_fgetxattr, fd, "security.selinux", page, 100);
    call(SYS_lgetxattr, "/etc/passwd", BAD, page, 100);
    call(SYS_listxattr, "/etc/passwd", page, 100);
    call(SYS_flistxattr, fd, NULL, 0);
    call(SYS_sync_file_range, fd, 0, 10, 0);
    call(SYS_sync_file_range, 99, 0, 10, 7 | 0x10);
    call(SYS_fadvise64, fd, 0, 0, 99);
    call(SYS_fadvise64, fd, -1L, -1L, 0);
    call(SYS_lseek, fd, 0, SEEK_SET);
    call(SYS_sendfile, 1, fd, page + 4096, 3);
    call(SYS_sendfile, 1, fd, NULL, 3);
    call(SYS_copy_file_range, fd, page + 4096, 1, NULL, 3, 0);
    int s = call(SYS_socket, AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    call(SYS_socket, 99, SOCK_STREAM, 99);
    struct sockaddr_un un = {AF_UNIX, "/nonexistent"};
    call(SYS_connect, s, &un, sizeof un);
    call(SYS_connect, s, &un, 7);
    call(SYS_connect, s, &un, 2);
    call(SYS_connect, s, &un, 1);
    call(SYS_connect, s, &un, 0);
    call(SYS_connect, s, BAD, 10);
    un = (struct sockaddr_un){AF_UNIX, "\0abstract"};
    call(SYS_connect, s, &un, 12);
    call(SYS_connect, 99, &(struct sockaddr_in){AF_INET, htons(80), {htonl(0x7f000001)}}, 16);
    call(SYS_connect, 99, &(struct sockaddr_in){77, htons(80), {htonl(0x7f000001)}}, 16);
}

static void terminal(void)
{
    int fd = call(SYS_open, "/dev/ptmx", O_RDWR | O_NOCTTY);
    struct termios t;
    call(SYS_ioctl, fd, TIOCSPTLCK, &(int){0});
    call(SYS_ioctl, fd, TCGETS, &t);
    t.c_iflag = 0;
    t.c_oflag = OPOST | TAB3 | CR2 | FF1;
    t.c_cflag = B9600 | CS7 | PARENB | CLOCAL | B1200 << IBSHIFT;
    t.c_lflag = 0x20000 | TOSTOP;
    call(SYS_ioctl, fd, TCSETSF, &t);
    call(SYS_ioctl, fd, TCSETSW, NULL);
    call(SYS_ioctl, fd, TIOCGWINSZ, page);
    call(SYS_ioctl, fd, TIOCSWINSZ, &(struct winsize){24, 80});
    call(SYS_ioctl, fd, TIOCGWINSZ, page);
    call(SYS_ioctl, fd, FIONREAD, page);
    call(SYS_ioctl, fd, FIONBIO, &(int){1});
    call(SYS_ioctl, fd, TCFLSH, TCIOFLUSH);
    call(SYS_ioctl, fd, TCXONC, 9);
    call(SYS_ioctl, fd, TIOCEXCL, 9);
    call(SYS_ioctl, fd, TIOCGEXCL, page);
    call(SYS_fstat, fd, page);
    call(SYS_close, fd);
}

static void signals(void)
{
    struct { void *handler; unsigned long flags; void (*restorer)(void); unsigned long mask; } action;
    struct sigaction libc = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};
    sigemptyset(&libc.sa_mask);
    sigaddset(&libc.sa_mask, SIGHUP);
    sigaction(SIGALRM, &libc, NULL);
    sigaction(SIGUSR1, &libc, NULL);
    sigaction(SIGSEGV, &libc, NULL);
    call(SYS_kill, call(SYS_getpid), SIGUSR1);
    call(SYS_tkill, call(SYS_gettid), SIGUSR1);
    siginfo_t info = {.si_signo = SIGUSR1, .si_code = SI_QUEUE, .si_pid = 7, .si_uid = 8, .si_value.sival_int = 9};
    call(SYS_rt_sigqueueinfo, call(SYS_getpid), SIGUSR1, &info);
    call(SYS_setitimer, ITIMER_REAL, &(struct itimerval){{0, 0}, {0, 50000}}, NULL);
    call(SYS_nanosleep, &(struct timespec){60, 0}, page);
    call(SYS_setitimer, ITIMER_REAL, &(struct itimerval){{0, 0}, {0, 50000}}, NULL);
    call(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &(struct timespec){60, 0}, page);
    call(SYS_setitimer, ITIMER_REAL, &(struct itimerval){{0, 0}, {0, 50000}}, NULL);
    call(SYS_pause);
    call(SYS_alarm, 0);
    call(0x40000000 + 39);
    call(0x40000000 + 512, 0);
    call(0x400003e8, 1);
    call(-1L);
    sigaction(SIGSEGV, &(struct sigaction){.sa_handler = SIG_DFL}, NULL);
}

int main(void)
{
    filled_in();
    files();
    terminal();
    signals();
    *(volatile char *) 0x123 = 1;
}
