// name_to_handle_at(2), open_by_handle_at(2).
#include "raw_file.h"

struct handle {
    struct {
        unsigned bytes;
        int type;
    } head;
    unsigned char data[128];
};

#define MAX 128

MAIN
{
    struct handle one = {.head = {.bytes = MAX}}, two = {.head = {.bytes = MAX}}, small = {.head = {.bytes = 0}};
    int mount = -1, other = -2, fd = new_file("file");
    long first = sys(name_to_handle_at, AT_FDCWD, "file", &one, &mount, 0);
    if (first == -EOPNOTSUPP)
        return 0; // an overlay has none
    EQ(first, 0);
    CHECK(one.head.bytes >= 4 && one.head.bytes <= MAX);
    EQ(sys(name_to_handle_at, fd, "", &two, &other, AT_EMPTY_PATH), 0);
    EQ(two.head.bytes, one.head.bytes);
    EQ(two.head.type, one.head.type);
    EQ(memcmp(one.data, two.data, one.head.bytes), 0);
    EQ(mount, other);
    EQ(sys(name_to_handle_at, AT_FDCWD, "file", &small, &mount, 0), -EOVERFLOW);
    EQ(small.head.bytes, one.head.bytes); // so much it would have been
    EQ(sys(symlink, "file", "link"), 0);
    two.head.bytes = MAX;
    EQ(sys(name_to_handle_at, AT_FDCWD, "link", &two, &mount, AT_SYMLINK_FOLLOW), 0);
    EQ(memcmp(one.data, two.data, one.head.bytes), 0);
    two.head.bytes = MAX;
    EQ(sys(name_to_handle_at, AT_FDCWD, "link", &two, &mount, 0), 0);
    CHECK(memcmp(one.data, two.data, one.head.bytes));
    two.head.bytes = 129;
    EQ(sys(name_to_handle_at, AT_FDCWD, "file", &two, &mount, 0), -EINVAL);
    two.head.bytes = MAX;
    EQ(sys(name_to_handle_at, AT_FDCWD, "file", &two, &mount, 0x100), -EINVAL);
    EQ(sys(name_to_handle_at, AT_FDCWD, "nowhere", &two, &mount, 0), -ENOENT);
    EQ(sys(name_to_handle_at, AT_FDCWD, "", &two, &mount, 0), -ENOENT);
    EQ(sys(name_to_handle_at, -1, "file", &two, &mount, 0), -EBADF);
    EQ(sys(name_to_handle_at, AT_FDCWD, "file", BAD_POINTER, &mount, 0), -EFAULT);
    EQ(sys(name_to_handle_at, AT_FDCWD, "file", &two, BAD_POINTER, 0), -EFAULT);

    long opened = sys(open_by_handle_at, AT_FDCWD, &one, O_RDWR);
    if (opened == -EPERM)
        return 0; // without CAP_DAC_READ_SEARCH
    CHECK(opened >= 0);
    EQ(sys(write, opened, "text", 4), 4);
    EQ(size_of(fd), 4);
    sys(close, opened);
    EQ(sys(open_by_handle_at, -1, &one, O_RDONLY), -EBADF);
    EQ(sys(open_by_handle_at, AT_FDCWD, BAD_POINTER, O_RDONLY), -EFAULT);
    two = one;
    two.head.bytes = 0;
    EQ(sys(open_by_handle_at, AT_FDCWD, &two, O_RDONLY), -EINVAL);
    two.head.bytes = 129;
    EQ(sys(open_by_handle_at, AT_FDCWD, &two, O_RDONLY), -EINVAL);
    EQ(sys(unlink, "file"), 0);
    sys(close, fd);
    EQ(sys(open_by_handle_at, AT_FDCWD, &one, O_RDONLY), -ESTALE);
    return 0;
}
