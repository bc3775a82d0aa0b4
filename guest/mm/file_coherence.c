// A file mapped MAP_SHARED and read and written through descriptors is one file: a store shows in read(2) at once, a
// write(2) shows in the mapping at once, private mappings follow until they are written, ftruncate(2) makes pages go.
#include "raw.h"

#define RW (PROT_READ | PROT_WRITE)

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    char text[64];
    int fd = sys(open, "file", O_RDWR | O_CREAT | O_TRUNC, 0600);
    CHECK(fd >= 0);
    EQ(sys(ftruncate, fd, 3 * PAGE), 0);
    EQ(sys(pwrite64, fd, "hello", 5, 0), 5);
    char *s = (char *)sys(mmap, 0, 3 * PAGE, RW, MAP_SHARED, fd, 0);
    char *r = (char *)sys(mmap, 0, 3 * PAGE, PROT_READ, MAP_SHARED, fd, 0);
    char *p = (char *)sys(mmap, 0, 3 * PAGE, RW, MAP_PRIVATE, fd, 0);
    CHECK((long)s > 0 && (long)r > 0 && (long)p > 0);
    EQ(p[0] + r[0] + s[0], 3 * 'h');

    s[0] = 'J';                                         // a store, then read
    EQ(sys(pread64, fd, text, 5, 0), 5);
    EQ(memcmp(text, "Jello", 5), 0);
    int other = sys(open, "file", O_RDONLY);
    EQ(sys(read, other, text, 5), 5);
    EQ(memcmp(text, "Jello", 5), 0);
    s[1] = 'o';                                         // and again, after it was written back
    EQ(sys(pread64, fd, text, 5, 0), 5);
    EQ(memcmp(text, "Jollo", 5), 0);

    EQ(sys(pwrite64, fd, "yy", 2, 2), 2);               // a write, then a load
    EQ(memcmp(s, "Joyyo", 5), 0);
    EQ(memcmp(r, "Joyyo", 5), 0);
    EQ(memcmp(p, "Joyyo", 5), 0);
    s[4] = '!';                                         // both in one page, in either order
    EQ(sys(pwrite64, fd, "j", 1, 0), 1);
    EQ(memcmp(r, "joyy!", 5), 0);
    EQ(sys(pread64, fd, text, 5, 0), 5);
    EQ(memcmp(text, "joyy!", 5), 0);

    p[0] = 'P';
    EQ(sys(pwrite64, fd, "Q", 1, 0), 1);
    EQ(p[0], 'P');
    EQ(r[0], 'Q');

    EQ(sys(lseek, fd, 2 * PAGE, 0), 2 * PAGE);          // at the position, and over the end
    EQ(sys(write, fd, "tail", 4), 4);
    EQ(memcmp(r + 2 * PAGE, "tail", 4), 0);
    EQ(sys(pwrite64, fd, "more", 4, 3 * PAGE), 4);
    char *m = (char *)sys(mmap, 0, PAGE, PROT_READ, MAP_SHARED, fd, 3 * PAGE);
    EQ(memcmp(m, "more\0", 5), 0);
    int append = sys(open, "file", O_WRONLY | O_APPEND);
    EQ(sys(write, append, "!", 1), 1);
    EQ(memcmp(m, "more!\0", 6), 0);

    EQ(sys(ftruncate, fd, PAGE + 3), 0);
    EQ(probe(r + 2 * PAGE), UNMAPPED);
    EQ(probe(s + 2 * PAGE), UNMAPPED);
    EQ(probe(p + 2 * PAGE), UNMAPPED);
    EQ(probe(s + PAGE), READABLE | WRITABLE);
    EQ(r[0], 'Q');
    EQ(sys(ftruncate, fd, 3 * PAGE), 0);
    EQ(r[2 * PAGE], 0);
    s[2 * PAGE] = 'n';
    EQ(sys(pread64, fd, text, 1, 2 * PAGE), 1);
    EQ(text[0], 'n');
    int cut = sys(open, "file", O_RDWR | O_TRUNC);
    CHECK(cut >= 0);
    EQ(probe(r), UNMAPPED);
    EQ(probe(p), UNMAPPED);
    return 0;
}
