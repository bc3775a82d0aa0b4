// pipe(7): several writers that sleep on a full pipe: each write of at most PIPE_BUF arrives in one piece, larger ones
// arrive whole; who reads too many gets the end when the last writer goes.
#include "raw_poll.h"

#define N_WRITERS 6
#define N_WRITES 40

static unsigned char block[100000];

static int wait_any(void)
{
    int status = -1;
    CHECK(sys(wait4, -1, &status, 0, NULL) > 0);
    return status;
}

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    static const int sizes[] = {4096, 1000, 3000, 17};
    for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        int ends[2], n_bytes = sizes[i];
        make_pipe(ends, 0);
        sys(fcntl, ends[0], F_SETPIPE_SZ, 8192);
        for (int writer = 0; writer < N_WRITERS; writer++) {
            if (sys(fork) == 0) {
                sys(close, ends[0]);
                for (int n = 0; n < N_WRITES; n++) {
                    memset(block, writer + 1, n_bytes);
                    block[0] = 100 + n;
                    if (sys(write, ends[1], block, n_bytes) != n_bytes)
                        quit(1);
                }
                quit(0);
            }
        }
        sys(close, ends[1]);
        int next[N_WRITERS] = {0};
        for (int n = 0; n < N_WRITERS * N_WRITES; n++) {
            int done = 0;
            while (done < n_bytes) {
                long got = sys(read, ends[0], block + done, n_bytes - done);
                CHECK(got > 0);
                done += got;
            }
            int writer = block[1] - 1;
            CHECK(writer >= 0 && writer < N_WRITERS);
            EQ(block[0], 100 + next[writer]);
            next[writer]++;
            for (int at = 1; at < n_bytes; at++)
                if (block[at] != writer + 1)
                    EQ(block[at], writer + 1);
        }
        EQ(sys(read, ends[0], block, 1), 0);
        for (int writer = 0; writer < N_WRITERS; writer++)
            EQ(wait_any(), EXITED(0));
        sys(close, ends[0]);
    }

    // large writes
    int ends[2];
    make_pipe(ends, 0);
    for (int writer = 0; writer < 3; writer++) {
        if (sys(fork) == 0) {
            memset(block, writer + 1, sizeof block);
            quit(sys(write, ends[1], block, sizeof block) == sizeof block ? 0 : 1);
        }
    }
    sys(close, ends[1]);
    long got, counts[4] = {0};
    nap(10);
    while ((got = sys(read, ends[0], block, 10000)) > 0)
        for (int at = 0; at < got; at++)
            counts[block[at]]++;
    EQ(got, 0);
    for (int writer = 1; writer < 4; writer++)
        EQ(counts[writer], sizeof block);

    // several readers share what comes
    make_pipe(ends, 0);
    for (int reader = 0; reader < 4; reader++) {
        if (sys(fork) == 0) {
            long total = 0;
            sys(close, ends[1]);
            while ((got = sys(read, ends[0], block, 3)) > 0)
                total += got;
            quit(total);
        }
    }
    sys(close, ends[0]);
    for (int n = 0; n < 60; n++)
        EQ(sys(write, ends[1], "abc", 3), 3);
    sys(close, ends[1]);
    long total = 0;
    for (int child = 0; child < 7; child++) {
        int status = wait_any();
        total += status >> 8;
    }
    EQ(total, 180);
    return 0;
}
