// What guests of the file family share: new files, and children that do one thing.
#ifndef RAW_FILE_H
#define RAW_FILE_H

#include "raw_process.h"

#include <linux/fs.h>
#include <linux/stat.h>

#define UNUSED __attribute__((unused))
#define MAIN int main(int argc UNUSED, char **argv UNUSED, char **envp UNUSED)

#define SEEK_SET 0
#define SEEK_CUR 1
#define SEEK_END 2

// An empty file of that name in the working directory
static inline int new_file(const char *name)
{
    int fd = sys(open, name, O_RDWR | O_CREAT | O_TRUNC, 0644);
    check(250, __LINE__, fd >= 0, "cannot create a file");
    return fd;
}

static inline long size_of(int fd)
{
    long at = sys(lseek, fd, 0, SEEK_CUR), end = sys(lseek, fd, 0, SEEK_END);
    sys(lseek, fd, at, SEEK_SET);
    return end;
}

#define IN_CHILD(statements)                                                                                           \
    ({                                                                                                                 \
        long pid_ = sys(fork);                                                                                         \
        if (!pid_) {                                                                                                   \
            statements;                                                                                                \
            quit(0);                                                                                                   \
        }                                                                                                              \
        pid_;                                                                                                          \
    })

#endif
