// A private file mapping shows the file, from the offset asked for, with zeros after its end to the end of that page;
// stores stay in this mapping: neither the file nor another mapping of it changes. mmap(2) MAP_PRIVATE.
#include "raw.h"

enum { FILE_BYTES = 2 * 4096 + 100 };

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    static unsigned char image[FILE_BYTES], back[FILE_BYTES];
    for (unsigned i = 0; i < FILE_BYTES; i++)
        image[i] = i % 251 + 1;
    int fd = sys(open, "file", O_RDWR | O_CREAT | O_TRUNC, 0600);
    CHECK(fd >= 0);
    EQ(sys(write, fd, image, FILE_BYTES), FILE_BYTES);

    unsigned char *p = (void *)sys(mmap, 0, FILE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    unsigned char *q = (void *)sys(mmap, 0, FILE_BYTES, PROT_READ, MAP_PRIVATE, fd, 0);
    unsigned char *tail = (void *)sys(mmap, 0, PAGE, PROT_READ, MAP_PRIVATE, fd, 2 * PAGE);
    CHECK((long)p > 0 && (long)q > 0 && (long)tail > 0);
    EQ(sys(close, fd), 0);                              // the mappings keep the file
    EQ(memcmp(p, image, FILE_BYTES), 0);
    EQ(memcmp(tail, image + 2 * PAGE, 100), 0);
    for (unsigned i = 100; i < PAGE; i++) {
        EQ(p[2 * PAGE + i], 0);
        EQ(tail[i], 0);
    }

    p[0] = 0xee;
    p[PAGE] = 0xee;
    p[FILE_BYTES] = 0xee;                               // after the end, in the last page
    EQ(p[0], 0xee);
    EQ(p[1], image[1]);                                 // the rest of the copied page is as it was
    EQ(q[0], image[0]);
    EQ(q[PAGE], image[PAGE]);
    EQ(q[FILE_BYTES], 0);
    EQ(tail[100], 0);

    fd = sys(open, "file", O_RDONLY);
    EQ(sys(read, fd, back, FILE_BYTES), FILE_BYTES);
    EQ(memcmp(back, image, FILE_BYTES), 0);

    // The kernel's own stores into a private page are copied too.
    EQ(sys(pread64, fd, p + PAGE + 8, 4, 0), 4);
    EQ(p[PAGE + 8], image[0]);
    EQ(q[PAGE + 8], image[PAGE + 8]);

    // A mapping that starts past the end of the file exists; it can be unmapped without being touched.
    unsigned char *past = (void *)sys(mmap, 0, PAGE, PROT_READ, MAP_PRIVATE, fd, 16 * PAGE);
    CHECK((long)past > 0);
    EQ(sys(write, 1, past, 1), -EFAULT);
    EQ(sys(munmap, past, PAGE), 0);
    return 0;
}
