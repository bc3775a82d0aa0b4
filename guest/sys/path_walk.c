// Paths: dots, double slashes and trailing slashes; links inside a path and at its end, absolute and relative, up to
// 40 of them; a component that is no directory; 255 bytes a name. path_resolution(7).
#include "raw.h"

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    int fd = sys(open, "file", O_RDWR | O_CREAT | O_TRUNC, 0600);
    CHECK(fd >= 0);

    EQ(sys(mkdir, "d", 0700), 0);
    EQ(sys(mkdir, "d/e", 0700), 0);
    EQ(sys(access, "d/e/../../file", 0), 0);
    EQ(sys(access, "d//e///..//../file", 0), 0);
    EQ(sys(access, "./d/./e/.", 0), 0);
    EQ(sys(access, "d/e/", 0), 0);
    EQ(sys(access, "file/.", 0), -ENOTDIR);
    EQ(sys(access, "file/..", 0), -ENOTDIR);
    EQ(sys(access, "d/none/../e", 0), -ENOENT);
    EQ(sys(access, "/..", 0), 0);
    EQ(sys(access, "/../dev/../dev/null", 0), 0);

    EQ(sys(symlink, "e", "d/to_e"), 0);                 // relative to the link's directory
    EQ(sys(access, "d/to_e/../../file", 0), 0);
    EQ(sys(symlink, "/dev", "to_dev"), 0);
    EQ(sys(access, "to_dev/null", 0), 0);
    EQ(sys(access, "to_dev/../dev/null", 0), 0);        // .. of where the link leads
    EQ(sys(symlink, "file", "to_file"), 0);
    EQ(sys(access, "to_file/", 0), -ENOTDIR);
    EQ(sys(symlink, "d/", "to_d"), 0);
    EQ(sys(access, "to_d/e", 0), 0);

    // A chain of links: 40 are followed, 41 are ELOOP.
    char from[4] = "l00", to[4] = "l00";
    EQ(sys(symlink, "file", "l00"), 0);
    for (int i = 1; i <= 41; i++) {
        from[1] = '0' + i / 10, from[2] = '0' + i % 10;
        EQ(sys(symlink, to, from), 0);
        memcpy(to, from, 4);
    }
    EQ(sys(access, "l39", 0), 0);                       // l39 to l00: 40 links
    EQ(sys(access, "l40", 0), -ELOOP);
    EQ(sys(symlink, "", "empty"), -ENOENT);
    return 0;
}
