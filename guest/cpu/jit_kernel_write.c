// Code that the kernel writes: read(2), pread64(2) and readv(2) straight into an executable page that has run
// before; the new bytes are what runs. A read into a page that is only readable and executable is EFAULT and changes
// nothing.
#include "jit.h"

#include <linux/uio.h>

enum { N_FUNCTIONS = 100, SLOT_BYTES = 8 };

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    static unsigned char image[N_FUNCTIONS * SLOT_BYTES];
    for (int i = 0; i < N_FUNCTIONS; i++)
        jit_emit(image + SLOT_BYTES * i, 1000 + i);
    int fd = sys(open, "jit.bin", O_RDWR | O_CREAT | O_TRUNC, 0600);
    CHECK(fd >= 0);
    EQ(sys(write, fd, image, sizeof image), sizeof image);

    unsigned char *code = map(NULL, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, 0);
    CHECK((long)code > 0);
    for (int i = 0; i < N_FUNCTIONS; i++) {
        EQ(sys(pread64, fd, code, JIT_FUNCTION_BYTES, SLOT_BYTES * i), JIT_FUNCTION_BYTES);
        EQ(jit_call(code), 1000 + i);
    }

    EQ(sys(lseek, fd, 0, 0), 0);
    for (int i = 0; i < N_FUNCTIONS; i++) {
        EQ(sys(read, fd, code + 64, SLOT_BYTES), SLOT_BYTES);
        EQ(jit_call(code + 64), 1000 + i);
    }

    // In two pieces, the second into the middle of an instruction.
    EQ(sys(lseek, fd, 0, 0), 0);
    for (int i = 0; i < N_FUNCTIONS; i++) {
        struct iovec pieces[2] = {{code + 128, 2}, {code + 130, SLOT_BYTES - 2}};
        EQ(sys(readv, fd, pieces, 2), SLOT_BYTES);
        EQ(jit_call(code + 128), 1000 + i);
    }

    EQ(sys(mprotect, code, PAGE, PROT_READ | PROT_EXEC), 0);
    EQ(sys(pread64, fd, code, JIT_FUNCTION_BYTES, 0), -EFAULT);
    EQ(jit_call(code), 1000 + N_FUNCTIONS - 1);
    return 0;
}
