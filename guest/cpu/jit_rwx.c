// Code in a page that is writable and executable at once is what was stored last, with no system call in between: x86
// needs no cache maintenance (SDM vol. 3A, 12.6 Self-Modifying Code). Also a function that rewrites its neighbour, and
// a store that changes only one byte of an instruction that ran.
#include "jit.h"

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    unsigned char *code = map(NULL, 2 * PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, 0);
    CHECK((long)code > 0);
    for (int i = 0; i < JIT_ROUNDS; i++) {
        jit_emit(code, i);
        EQ(jit_call(code), i);
        ((volatile unsigned char *)code)[4] = 0x7f; // the top byte of the number only
        EQ(jit_call(code), i | 0x7f000000);
    }

    // An instruction that crosses from the first page into the second.
    unsigned char *crossing = code + PAGE - 3;
    for (int i = 0; i < JIT_ROUNDS; i++) {
        jit_emit(crossing, i << 12);
        EQ(jit_call(crossing), i << 12);
    }

    // mov byte ptr [rip + 1], imm8; mov eax, ...; ret: a store into the instruction that follows it.
    static const unsigned char rewriter[] = {0xc6, 0x05, 0x01, 0, 0, 0, 0, 0xb8, 0, 0, 0, 0, 0xc3};
    for (int i = 0; i < 256; i++) {
        memcpy(code, rewriter, sizeof rewriter);
        ((volatile unsigned char *)code)[6] = i;
        EQ(jit_call(code), i);
        EQ(code[8], i);
    }
    return 0;
}
