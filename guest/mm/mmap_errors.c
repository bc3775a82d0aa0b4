// mmap(2) refuses: length 0, neither or both of SHARED and PRIVATE, a fixed address or an offset that is not a page's,
// descriptors that are not open or cannot be mapped, what does not fit in the address space, a fixed address that is
// taken with MAP_FIXED_NOREPLACE. In Linux's order of checks where two are wrong.
#include "raw.h"

#define RW (PROT_READ | PROT_WRITE)
#define ANON MAP_ANONYMOUS

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    int file = sys(open, "file", O_RDWR | O_CREAT | O_TRUNC, 0600);
    CHECK(file >= 0);
    EQ(sys(write, file, "12345", 5), 5);
    int write_only = sys(open, "file", O_WRONLY);
    int read_only = sys(open, "file", O_RDONLY);
    int directory = sys(open, ".", O_RDONLY | O_DIRECTORY);
    int path_only = sys(open, "file", O_PATH);
    CHECK(write_only > 0 && read_only > 0 && directory > 0 && path_only > 0);

    EQ(sys(mmap, 0, 0, RW, MAP_PRIVATE | ANON, -1, 0), -EINVAL);
    EQ(sys(mmap, 0, PAGE, RW, ANON, -1, 0), -EINVAL);                   // no type
    EQ(sys(mmap, 0, PAGE, RW, MAP_SHARED_VALIDATE | ANON, -1, 0), -EINVAL);
    EQ(sys(mmap, 0, PAGE, RW, 0x0c | ANON, -1, 0), -EINVAL);            // a type that does not exist
    EQ(sys(mmap, 0, PAGE, PROT_READ, MAP_PRIVATE, file, 1), -EINVAL);   // offset
    EQ(sys(mmap, 0, PAGE, PROT_READ, MAP_PRIVATE, -1, 1), -EINVAL);     // before the descriptor is looked at
    EQ(sys(mmap, 0, PAGE, RW, MAP_PRIVATE | ANON, -1, 0x800), -EINVAL);
    EQ(sys(mmap, 0x10000001, PAGE, RW, MAP_PRIVATE | ANON | MAP_FIXED, -1, 0), -EINVAL);
    EQ(sys(mmap, 0, PAGE, PROT_READ, MAP_PRIVATE, -1, 0), -EBADF);
    EQ(sys(mmap, 0, PAGE, PROT_READ, MAP_PRIVATE, 999, 0), -EBADF);
    EQ(sys(mmap, 0, 0, PROT_READ, MAP_PRIVATE, 999, 0), -EBADF);        // before the length is looked at
    EQ(sys(mmap, 0, PAGE, PROT_READ, MAP_PRIVATE, path_only, 0), -EBADF);
    EQ(sys(mmap, 0, PAGE, PROT_READ, MAP_PRIVATE, write_only, 0), -EACCES);
    EQ(sys(mmap, 0, PAGE, PROT_NONE, MAP_PRIVATE, write_only, 0), -EACCES);
    EQ(sys(mmap, 0, PAGE, RW, MAP_SHARED, read_only, 0), -EACCES);
    EQ(sys(mmap, 0, PAGE, PROT_READ, MAP_PRIVATE, directory, 0), -ENODEV);
    EQ(sys(mmap, 0, -PAGE, RW, MAP_PRIVATE | ANON, -1, 0), -ENOMEM);
    EQ(sys(mmap, 0, -1L, RW, MAP_PRIVATE | ANON, -1, 0), -ENOMEM);      // rounds up to 0
    EQ(sys(mmap, 0, 1L << 47, RW, MAP_PRIVATE | ANON | MAP_NORESERVE, -1, 0), -ENOMEM);
    EQ(sys(mmap, KERNEL_POINTER, PAGE, RW, MAP_PRIVATE | ANON | MAP_FIXED, -1, 0), -ENOMEM);
    EQ(sys(mmap, 0x7ffffffff000, PAGE, RW, MAP_PRIVATE | ANON | MAP_FIXED, -1, 0), -ENOMEM);    // TASK_SIZE is lower
    EQ(sys(mmap, 0, PAGE, PROT_READ, MAP_PRIVATE, file, -PAGE), -EOVERFLOW);
    EQ(sys(mmap, 0, 2 * PAGE, PROT_READ, MAP_PRIVATE, file, 0x7ffffffffffff000), -EOVERFLOW);

    void *page = map(NULL, 2 * PAGE, RW, 0);
    CHECK((long)page > 0);
    EQ(map(page, PAGE, RW, MAP_FIXED_NOREPLACE), -EEXIST);
    EQ(map((char *)page + PAGE, 2 * PAGE, RW, MAP_FIXED_NOREPLACE), -EEXIST);
    EQ(map((char *)page + 1, PAGE, RW, MAP_FIXED_NOREPLACE), -EINVAL);

    // What is odd but allowed.
    CHECK(sys(mmap, 0, 1, RW, MAP_PRIVATE | ANON, 999, 0) > 0);         // the descriptor is not looked at
    CHECK(sys(mmap, 0, PAGE, RW | 0x10000000, MAP_PRIVATE | ANON, -1, 0) > 0); // unknown protection bits
    CHECK(sys(mmap, 0, PAGE, RW, MAP_PRIVATE, read_only, 0) > 0);       // private writing needs no right to write
    CHECK(sys(mmap, 0, 1 << 20, PROT_READ, MAP_PRIVATE, file, 0) > 0);  // far past the end
    CHECK(sys(mmap, 0, PAGE, PROT_READ, MAP_PRIVATE, file, 1 << 20) > 0);
    CHECK(sys(mmap, 0, PAGE, RW, MAP_SHARED | ANON, -1, 0) > 0);
    return 0;
}
