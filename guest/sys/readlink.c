// readlink(2) and readlinkat: the bytes without an end mark, cut to the buffer; EINVAL for what is no link and for a
// size below 1; /proc/self/exe is the program; an empty path reads an O_PATH descriptor of a link.
#include "raw.h"

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    char back[64];
    memset(back, '.', sizeof back);
    EQ(sys(symlink, "some/where", "link"), 0);
    EQ(sys(readlink, "link", back, sizeof back), 10);
    EQ(memcmp(back, "some/where.", 11), 0);
    memset(back, '.', sizeof back);
    EQ(sys(readlink, "link", back, 4), 4);
    EQ(memcmp(back, "some....", 8), 0);
    EQ(sys(readlink, "link", back, 0), -EINVAL);
    EQ(sys(readlink, "link", back, -1), -EINVAL);
    EQ(sys(readlink, ".", back, sizeof back), -EINVAL);
    EQ(sys(readlink, "none", back, sizeof back), -ENOENT);
    EQ(sys(readlink, "link/x", back, sizeof back), -ENOENT);
    EQ(sys(readlink, "", back, sizeof back), -ENOENT);
    EQ(sys(readlinkat, AT_FDCWD, "link", back, sizeof back), 10);
    EQ(sys(readlinkat, -1, "link", back, sizeof back), -EBADF);
    int link = sys(open, "link", O_PATH | O_NOFOLLOW);
    CHECK(link >= 0);
    EQ(sys(readlinkat, link, "", back, sizeof back), 10);
    int directory = sys(open, ".", O_RDONLY | O_DIRECTORY);
    EQ(sys(readlinkat, directory, "link", back, sizeof back), 10);
    EQ(sys(readlinkat, directory, "", back, sizeof back), -ENOENT);

    static char path[4096];
    long n = sys(readlink, "/proc/self/exe", path, sizeof path);
    CHECK(n > 9 && n < 4096);
    EQ(memcmp(path + n - 9, "/readlink", 9), 0);
    EQ(path[0], '/');
    return 0;
}
