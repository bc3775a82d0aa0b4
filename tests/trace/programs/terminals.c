/* Every request of ioctl_tty(2), with good and bad arguments, on a master, a slave and what is no terminal.
   The trace of this program under the host's strace is what pyuk's tracer must say (strace(1)). */
#include "calls.h"
#include <linux/tty.h>

static const unsigned requests[] = {
    TCGETS, TCSETS, TCSETSW, TCSETSF, TCGETA, TCSETA, TCSETAW, TCSETAF, TCGETS2, TCSETS2, TCSETSW2, TCSETSF2,
    TIOCGWINSZ, TIOCSWINSZ, TIOCOUTQ, TIOCINQ, TIOCGSOFTCAR, TIOCSSOFTCAR, TIOCGETD, TIOCSETD, TIOCMGET,
    TIOCGEXCL, TIOCGDEV, TIOCGPTN, TIOCGPTLCK, TIOCGPKT, TIOCPKT, TIOCGPGRP, TIOCSPGRP, TIOCGSID, TIOCSTI,
    TIOCGLCKTRMIOS, TIOCSLCKTRMIOS, TIOCSPTLCK,
};
static const unsigned by_value[] = {
    TCSBRK, TCSBRKP, TCXONC, TCFLSH, TIOCSBRK, TIOCCBRK, TIOCEXCL, TIOCNXCL, TIOCNOTTY, TIOCSIG,
};

int main(void)
{
    int zero = 0;
    int master = call(SYS_open, "/dev/ptmx", O_RDWR | O_NOCTTY);
    call(SYS_ioctl, master, TIOCGPTPEER, O_RDWR);
    call(SYS_ioctl, master, TIOCSPTLCK, &zero);
    int slave = call(SYS_ioctl, master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    int none = call(SYS_open, "/dev/null", O_RDWR);
    int fds[] = {slave, master, none, 99};
    for (int i = 0; i < 4; i++) {
        for (unsigned j = 0; j < sizeof requests / sizeof *requests; j++) {
            memset(page, 0, 64);
            call(SYS_ioctl, fds[i], requests[j], page);
            call(SYS_ioctl, fds[i], requests[j], BAD);
            call(SYS_ioctl, fds[i], requests[j], NULL);
        }
        for (unsigned j = 0; j < sizeof by_value / sizeof *by_value; j++) {
            call(SYS_ioctl, fds[i], by_value[j], 0);
            call(SYS_ioctl, fds[i], by_value[j], 2);
            call(SYS_ioctl, fds[i], by_value[j], 77);
        }
    }
    struct termios2 odd = {.c_iflag = ~0u, .c_oflag = ~0u, .c_cflag = ~0u, .c_lflag = ~0u, .c_line = 3};
    call(SYS_ioctl, slave, TCSETS2, &odd);
    call(SYS_ioctl, slave, TCGETS2, page);
    call(SYS_ioctl, slave, TCGETS, page);
    call(SYS_ioctl, slave, TCGETA, page);
    call(SYS_ioctl, slave, TIOCSTI, "\n");
    call(SYS_ioctl, slave, TIOCSTI, "\"");
    call(SYS_ioctl, slave, TIOCSTI, "\377");
    return 0;
}
