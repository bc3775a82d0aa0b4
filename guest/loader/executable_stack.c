// flags: -Wl,-z,execstack
//
// A program whose PT_GNU_STACK has PF_X can execute its stack.
// elf(5) PT_GNU_STACK; Linux arch/x86/include/asm/elf.h, the table there.
#include "raw.h"

typedef int function(void);

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    volatile unsigned char code[16] = {0xb8, 42, 0, 0, 0, 0xc3}; // mov eax, 42; ret
    EQ(((function *)(uintptr_t)code)(), 42);
    code[1] = 43;
    EQ(((function *)(uintptr_t)code)(), 43);
    return 0;
}
