// poll(2): the events of pipes, files and nothing at all; what is asked and what comes unasked (POLLERR, POLLHUP,
// POLLNVAL); negative descriptors; only revents is written; the errors and their order.
#include "raw_poll.h"

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    int ends[2];
    make_pipe(ends, NONBLOCK);
    EQ(poll_one(ends[0], ALL_POLL, 0), 0);
    EQ(poll_one(ends[1], ALL_POLL, 0), POLLOUT | POLLWRNORM);
    EQ(poll_one(ends[0], POLLOUT, 0), 0);
    EQ(sys(write, ends[1], "x", 1), 1);
    EQ(poll_one(ends[0], ALL_POLL, 0), POLLIN | POLLRDNORM);
    EQ(poll_one(ends[0], POLLIN, -1), POLLIN);
    EQ(poll_one(ends[0], 0, 0), 0);

    // a pipe is writable while a page of it is free: one byte more does not fit into a full one, one page less is none
    CHECK(fill(ends[1]) > 0);
    EQ(poll_one(ends[1], ALL_POLL, 0), 0);
    char page[4096];
    EQ(sys(read, ends[0], page, 1), 1);
    EQ(poll_one(ends[1], ALL_POLL, 0), POLLOUT | POLLWRNORM);       // the first write stood in a page alone
    CHECK(fill(ends[1]) > 0);
    EQ(sys(read, ends[0], page, 100), 100);
    EQ(poll_one(ends[1], ALL_POLL, 0), 0);
    EQ(sys(read, ends[0], page, 3996), 3996);
    EQ(poll_one(ends[1], ALL_POLL, 0), POLLOUT | POLLWRNORM);

    // without the other end
    sys(close, ends[1]);
    EQ(poll_one(ends[0], ALL_POLL, 0), POLLIN | POLLRDNORM | POLLHUP);
    EQ(poll_one(ends[0], 0, 0), POLLHUP);
    while (sys(read, ends[0], page, sizeof page) > 0)
        ;
    EQ(poll_one(ends[0], ALL_POLL, -1), POLLHUP);
    sys(close, ends[0]);
    make_pipe(ends, 0);
    sys(close, ends[0]);
    EQ(poll_one(ends[1], ALL_POLL, -1), POLLOUT | POLLWRNORM | POLLERR);
    EQ(poll_one(ends[1], 0, -1), POLLERR);
    sys(close, ends[1]);

    // descriptors that are none
    EQ(poll_one(ends[0], POLLIN, -1), POLLNVAL);
    EQ(poll_one(999, 0, -1), POLLNVAL);
    EQ(poll_one(-1, POLLIN, 0), 0);
    int path = sys(open, ".", O_PATH);
    EQ(poll_one(path, POLLIN, -1), POLLNVAL);

    // what never makes anybody wait is always ready, and has no other events
    int file = sys(open, "file", O_RDWR | O_CREAT, 0600), directory = sys(open, ".", O_RDONLY);
    int null = sys(open, "/dev/null", O_RDONLY), zero = sys(open, "/dev/zero", O_RDWR);
    CHECK(file >= 0 && directory >= 0 && null >= 0 && zero >= 0);
    int always[] = {file, directory, null, zero};
    for (int i = 0; i < 4; i++)
        EQ(poll_one(always[i], ALL_POLL, -1), POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM);

    // several: only revents is written, and of all
    make_pipe(ends, 0);
    struct pollfd set[5] = {
        {ends[0], POLLIN, 77}, {ends[1], POLLOUT, 77}, {-5, POLLIN, 77}, {999, POLLIN, 77}, {file, POLLPRI, 77}};
    EQ(sys(poll, set, 5, -1), 2);
    EQ(set[0].revents, 0);
    EQ(set[1].revents, POLLOUT);
    EQ(set[2].revents, 0);
    EQ(set[2].fd, -5);
    EQ(set[3].revents, POLLNVAL);
    EQ(set[4].revents, 0);
    EQ(set[4].events, POLLPRI);
    set[0].revents = set[2].revents = 77;
    EQ(sys(poll, set, 1, 0), 0);
    EQ(set[0].revents, 0);                                          // told also when the time is over
    EQ(set[2].revents, 77);
    struct pollfd twice[2] = {{ends[1], POLLOUT, 0}, {ends[1], POLLWRNORM, 0}};
    EQ(sys(poll, twice, 2, -1), 2);

    // errors
    EQ(sys(poll, NULL, 0, 0), 0);
    EQ(sys(poll, BAD_POINTER, 0, 1), 0);
    EQ(sys(poll, NULL, 1, 0), -EFAULT);
    EQ(sys(poll, BAD_POINTER, 1000000, 0), -EINVAL);
    EQ(sys(poll, set, -1, 0), -EINVAL);
    char *pages = map(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, 0);
    struct pollfd *last = (struct pollfd *)(pages + PAGE) - 1;
    sys(munmap, pages + PAGE, PAGE);
    *last = set[1];
    EQ(sys(poll, last, 1, -1), 1);
    EQ(sys(poll, last, 2, -1), -EFAULT);
    struct pollfd *odd = (struct pollfd *)(pages + 3);
    *odd = set[1];
    odd->revents = 0;
    EQ(sys(poll, odd, 1, -1), 1);
    EQ(odd->revents, POLLOUT);
    sys(mprotect, pages, PAGE, PROT_READ);
    EQ(sys(poll, last, 1, -1), -EFAULT);                            // the answer cannot be told

    struct rlimit64 { unsigned long soft, hard; } limit;
    EQ(sys(prlimit64, 0, 7, NULL, &limit), 0);
    limit.soft = 3;
    EQ(sys(prlimit64, 0, 7, &limit, NULL), 0);
    EQ(sys(poll, set, 3, -1), 1);
    EQ(sys(poll, set, 4, -1), -EINVAL);

    long before = now_ms();
    EQ(sys(poll, NULL, 0, 30), 0);
    CHECK(now_ms() - before >= 29);
    return 0;
}
