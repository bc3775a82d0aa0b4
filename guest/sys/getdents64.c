// getdents64(2): every entry once, `.` and `..` too, with type and an 8-byte aligned record length; what does not
// fit comes with the next call; 0 at the end; a rewind starts again; EINVAL when not one entry fits, ENOTDIR, EBADF,
// EFAULT.
#include "raw.h"

#include <linux/fs.h>

enum { N_FILES = 50, DT_DIR = 4, DT_REG = 8, DT_LNK = 10 };

// struct linux_dirent64 of include/linux/dirent.h, as getdents64(2) has it
struct linux_dirent64 {
    unsigned long d_ino;
    long d_off;
    unsigned short d_reclen;
    unsigned char d_type;
    char d_name[];
};

static char buffer[4096];
static int n_regular, n_directories, n_links;

static int count_entries(int directory, long size)
{
    int n = 0;
    n_regular = n_directories = n_links = 0;
    for (;;) {
        long filled = sys(getdents64, directory, buffer, size);
        CHECK(filled >= 0 && filled <= size);
        if (filled == 0)
            return n;
        for (long at = 0; at < filled;) {
            struct linux_dirent64 *entry = (void *)(buffer + at);
            EQ(entry->d_reclen % 8, 0);
            CHECK(entry->d_reclen >= 20 + strlen(entry->d_name) && entry->d_reclen <= 27 + strlen(entry->d_name) + 1);
            CHECK(entry->d_ino != 0);
            n_regular += entry->d_type == DT_REG;
            n_directories += entry->d_type == DT_DIR;
            n_links += entry->d_type == DT_LNK;
            at += entry->d_reclen;
            n++;
        }
    }
}

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    EQ(sys(mkdir, "directory", 0700), 0);
    EQ(sys(chdir, "directory"), 0);
    char name[] = "file-00";
    for (int i = 0; i < N_FILES; i++) {
        name[5] = '0' + i / 10, name[6] = '0' + i % 10;
        int fd = sys(open, name, O_WRONLY | O_CREAT, 0600);
        CHECK(fd >= 0);
        sys(close, fd);
    }
    EQ(sys(mkdir, "sub", 0700), 0);
    EQ(sys(symlink, "x", "link"), 0);
    int directory = sys(open, ".", O_RDONLY | O_DIRECTORY);
    CHECK(directory >= 0);

    EQ(count_entries(directory, 4096), N_FILES + 4);
    EQ(n_regular, N_FILES);
    EQ(n_directories, 3);
    EQ(n_links, 1);
    EQ(sys(getdents64, directory, buffer, sizeof buffer), 0);   // still at the end
    EQ(sys(lseek, directory, 0, SEEK_SET), 0);
    EQ(count_entries(directory, 64), N_FILES + 4);              // a few at a time
    EQ(n_regular, N_FILES);

    EQ(sys(lseek, directory, 0, SEEK_SET), 0);
    EQ(sys(getdents64, directory, buffer, 10), -EINVAL);
    EQ(sys(getdents64, directory, BAD_POINTER, 4096), -EFAULT);
    EQ(sys(getdents64, -1, buffer, 4096), -EBADF);
    int file = sys(open, "file-00", O_RDONLY);
    EQ(sys(getdents64, file, buffer, 4096), -ENOTDIR);
    int path_only = sys(open, ".", O_PATH);
    EQ(sys(getdents64, path_only, buffer, 4096), -EBADF);
    return 0;
}
