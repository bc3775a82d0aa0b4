// unshare(2) without namespaces: a thread's own descriptors and working directory; what several threads cannot undo.
#include "raw_process.h"

static volatile int done;

static void alone(void *argument)
{
    EQ(sys(unshare, CLONE_VM), -EINVAL);                // two threads share it
    EQ(sys(unshare, CLONE_SIGHAND), -EINVAL);
    EQ(sys(unshare, CLONE_FILES | CLONE_FS), 0);
    EQ(sys(close, *(int *)argument), 0);
    EQ(sys(chdir, "/"), 0);
    done = 1;
}

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    char before[PAGE], after[PAGE];
    long length = sys(getcwd, before, sizeof before);
    CHECK(length > 2);
    int fd = sys(open, "file", O_RDWR | O_CREAT, 0600);
    struct thread thread;
    EQ(sys(unshare, 0), 0);
    EQ(sys(unshare, 0xff), -EINVAL);
    EQ(sys(unshare, CLONE_VM | CLONE_SIGHAND | CLONE_THREAD), 0);       // one thread alone
    CHECK(start_thread(&thread, alone, &fd, 0, 0) > 0);
    join_thread(&thread);
    EQ(done, 1);
    EQ(sys(fcntl, fd, F_GETFD), 0);
    EQ(sys(getcwd, after, sizeof after), length);
    EQ(memcmp(before, after, length), 0);
    return 0;
}
