// AF_UNIX names (unix(7)): bind(2) to paths, abstract names and free ones, what getsockname(2) and getpeername(2) say,
// and how connect(2) finds nobody.
#include "raw_net.h"

static struct sockaddr_un name;
static int length;

static long get_name(int fd, int room)
{
    memset(&name, 0x55, sizeof name);
    length = room;
    return sys(getsockname, fd, &name, &length);
}

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    int a = new_socket(AF_UNIX, STREAM), b = new_socket(AF_UNIX, STREAM), d = new_socket(AF_UNIX, DGRAM);
    struct sockaddr_un un;

    EQ(get_name(a, sizeof name), 0);                            // no name: the family alone
    EQ(length, 2);
    EQ(name.sun_family, AF_UNIX);
    EQ(sys(listen, a, 5), -EINVAL);                             // not without a name
    EQ(sys(bind, a, &un, 200), -EINVAL);
    EQ(sys(bind, a, NULL, 5), -EFAULT);
    EQ(sys(bind, -1, NULL, 5), -EBADF);
    EQ(sys(bind, 0, NULL, 5), -ENOTSOCK);
    unix_name(&un, "x");
    EQ(sys(bind, a, &un, 1), -EINVAL);
    EQ(sys(bind, a, &un, 111), -EINVAL);
    un.sun_family = AF_INET;
    EQ(sys(bind, a, &un, 4), -EINVAL);

    EQ(bind_unix(a, "missing/name"), -ENOENT);
    EQ(bind_unix(a, "here"), 0);
    EQ(bind_unix(b, "here"), -EADDRINUSE);
    EQ(bind_unix(a, "there"), -EINVAL);                         // it has a name; the second file is taken back
    EQ(sys(access, "there", 0), -ENOENT);
    EQ(sys(access, "here", 0), 0);
    EQ(get_name(a, sizeof name), 0);
    EQ(length, 2 + 5);
    EQ(strcmp(name.sun_path, "here"), 0);
    EQ(name.sun_path[5], 0x55);
    EQ(get_name(a, 4), 0);                                      // cut, and the whole length told
    EQ(length, 7);
    EQ(name.sun_path[1], 'e');
    EQ(name.sun_path[2], 0x55);
    EQ(get_name(a, -1), -EINVAL);
    EQ(sys(getsockname, a, &name, NULL), -EFAULT);

    EQ(connect_unix(b, "here"), -ECONNREFUSED);                 // it does not listen yet
    EQ(connect_unix(b, "nothing"), -ENOENT);
    int plain = sys(open, "plain", O_RDWR | O_CREAT, 0600);
    CHECK(plain >= 0);
    EQ(connect_unix(b, "plain"), -ECONNREFUSED);                // no socket
    EQ(connect_unix(d, "here"), -EPROTOTYPE);                   // another type
    EQ(sys(listen, a, 1), 0);
    EQ(sys(listen, d, 1), -EOPNOTSUPP);
    EQ(sys(open, "here", O_RDWR), -ENXIO);
    EQ(connect_unix(a, "here"), -EINVAL);                       // it listens itself
    EQ(connect_unix(b, "here"), 0);
    EQ(connect_unix(b, "here"), -EISCONN);
    EQ(connect_unix(b, "nothing"), -ENOENT);                    // who is looked for comes first
    EQ(get_name(b, sizeof name), 0);
    EQ(length, 2);
    length = sizeof name;
    EQ(sys(getpeername, b, &name, &length), 0);
    EQ(length, 7);
    EQ(strcmp(name.sun_path, "here"), 0);
    length = sizeof name;
    EQ(sys(getpeername, a, &name, &length), -ENOTCONN);
    length = 110;
    int c = sys(accept, a, &name, &length);
    CHECK(c >= 0);
    EQ(length, 2);                                              // who has connected has no name
    EQ(get_name(c, sizeof name), 0);                            // the listener's
    EQ(length, 7);
    EQ(sys(accept, b, NULL, NULL), -EINVAL);
    EQ(sys(accept, d, NULL, NULL), -EOPNOTSUPP);
    EQ(sys(accept4, a, NULL, NULL, 1), -EINVAL);
    EQ(sys(accept, 0, NULL, NULL), -ENOTSOCK);

    EQ(sys(rename, "here", "moved"), 0);                        // a name is a file
    int e = new_socket(AF_UNIX, STREAM);
    EQ(connect_unix(e, "moved"), 0);
    EQ(sys(symlink, "moved", "link"), 0);
    int f = new_socket(AF_UNIX, STREAM);
    EQ(connect_unix(f, "./link"), 0);
    EQ(sys(unlink, "moved"), 0);
    int g = new_socket(AF_UNIX, STREAM);
    EQ(connect_unix(g, "moved"), -ENOENT);
    sys(close, a);
    EQ(bind_unix(g, "again"), 0);
    EQ(sys(listen, g, 1), 0);
    sys(close, g);
    int h = new_socket(AF_UNIX, STREAM);
    EQ(connect_unix(h, "again"), -ECONNREFUSED);                // the file stays
    EQ(bind_unix(h, "again"), -EADDRINUSE);

    // abstract: every byte counts, and each type has names of its own
    int i = new_socket(AF_UNIX, STREAM), j = new_socket(AF_UNIX, STREAM), k = new_socket(AF_UNIX, DGRAM);
    char abstract[40] = "@pyuk ";
    long pid = sys(getpid);
    for (int at = 6; pid; pid /= 10)
        abstract[at++] = '0' + pid % 10;
    int n = unix_name(&un, abstract);
    EQ(sys(bind, i, &un, n), 0);
    EQ(sys(bind, i, &un, n), -EINVAL);
    EQ(sys(bind, j, &un, n), -EADDRINUSE);
    EQ(sys(bind, k, &un, n), 0);
    EQ(sys(bind, j, &un, n + 1), 0);
    EQ(get_name(j, sizeof name), 0);
    EQ(length, n + 1);
    EQ(memcmp(&name, &un, n + 1), 0);
    int l = new_socket(AF_UNIX, STREAM);
    EQ(sys(connect, l, &un, n), -ECONNREFUSED);
    EQ(sys(listen, i, 0), 0);
    EQ(sys(connect, l, &un, n), 0);
    EQ(sys(connect, l, &un, n + 2), -ECONNREFUSED);
    sys(close, k);
    int m = new_socket(AF_UNIX, DGRAM);
    EQ(sys(bind, m, &un, n), 0);                                // free again

    // a free name
    int o = new_socket(AF_UNIX, STREAM);
    un.sun_family = AF_UNIX;
    EQ(sys(bind, o, &un, 2), 0);
    EQ(get_name(o, sizeof name), 0);
    EQ(length, 8);
    EQ(name.sun_path[0], 0);
    for (int at = 1; at < 6; at++)
        CHECK((name.sun_path[at] >= '0' && name.sun_path[at] <= '9') || (name.sun_path[at] >= 'a' && name.sun_path[at] <= 'f'));
    EQ(sys(bind, o, &un, 2), 0);                                // once is enough

    // the mode: the socket's less the umask
    struct stat { unsigned long dev, ino, nlink; unsigned mode, uid, gid, pad; unsigned long more[20]; } status;
    sys(umask, 027);
    int p = new_socket(AF_UNIX, DGRAM);
    EQ(bind_unix(p, "masked"), 0);
    EQ(sys(stat, "masked", &status), 0);
    EQ(status.mode, 0140750);
    int q = new_socket(AF_UNIX, DGRAM);
    EQ(sys(fchmod, q, 0600), 0);
    EQ(bind_unix(q, "private"), 0);
    EQ(sys(stat, "private", &status), 0);
    EQ(status.mode, 0140600);
    EQ(sys(fstat, q, &status), 0);
    EQ(status.mode & 0170000, 0140000);

    // 108 bytes of path need no NUL
    int r = new_socket(AF_UNIX, DGRAM);
    memset(un.sun_path, 'y', 108);
    EQ(sys(bind, r, &un, 110), 0);
    EQ(get_name(r, sizeof name), 0);
    EQ(length, 111);
    return 0;
}
