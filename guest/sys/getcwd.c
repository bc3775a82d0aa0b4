// getcwd(2), the raw call: the length with the end mark; ERANGE when it does not fit, EFAULT; it follows chdir; a
// directory that was removed is ENOENT.
#include "raw.h"

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    static char here[4096], there[4096];
    long n = sys(getcwd, here, sizeof here);
    CHECK(n > 1);
    EQ(here[0], '/');
    EQ(strlen(here) + 1, n);
    EQ(sys(getcwd, there, n), n);                       // just fits
    EQ(sys(getcwd, there, n - 1), -ERANGE);
    EQ(sys(getcwd, there, 0), -ERANGE);
    EQ(sys(getcwd, BAD_POINTER, 4096), -EFAULT);
    EQ(sys(getcwd, BAD_POINTER, 0), -ERANGE);

    EQ(sys(mkdir, "sub", 0700), 0);
    EQ(sys(chdir, "sub"), 0);
    EQ(sys(getcwd, there, sizeof there), n + 4);
    EQ(memcmp(there, here, n - 1), 0);
    EQ(memcmp(there + n - 1, "/sub", 5), 0);
    EQ(sys(chdir, "none"), -ENOENT);
    EQ(sys(chdir, ".."), 0);
    EQ(sys(getcwd, there, sizeof there), n);
    EQ(sys(chdir, "/"), 0);
    EQ(sys(getcwd, there, sizeof there), 2);
    EQ(strcmp(there, "/"), 0);

    EQ(sys(chdir, here), 0);
    EQ(sys(chdir, "sub"), 0);
    EQ(sys(rmdir, "../sub"), 0);
    EQ(sys(getcwd, there, sizeof there), -ENOENT);
    return 0;
}
