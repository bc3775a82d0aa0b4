// A code generator that keeps W^X: the page is RW while code is written and RX while it runs, a thousand times over;
// every run must be of the code written last. mprotect(2). Then the same with a new mapping at the same address each
// time, so that frames and addresses that held other code are used again.
#include "jit.h"

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    unsigned char *code = map(NULL, PAGE, PROT_READ | PROT_WRITE, 0);
    CHECK((long)code > 0);
    for (int i = 0; i < JIT_ROUNDS; i++) {
        jit_emit(code, i * 3 + 1);
        EQ(sys(mprotect, code, PAGE, PROT_READ | PROT_EXEC), 0);
        EQ(jit_call(code), i * 3 + 1);
        EQ(sys(mprotect, code, PAGE, PROT_READ | PROT_WRITE), 0);
    }
    EQ(sys(munmap, code, PAGE), 0);

    for (int i = 0; i < JIT_ROUNDS; i++) {
        EQ(map(code, PAGE, PROT_READ | PROT_WRITE, MAP_FIXED), code);
        EQ(code[0], 0); // what was there before is gone
        jit_emit(code, ~i);
        EQ(sys(mprotect, code, PAGE, PROT_READ | PROT_EXEC), 0);
        EQ(jit_call(code), ~i);
        EQ(sys(munmap, code, PAGE), 0);
    }
    return 0;
}
