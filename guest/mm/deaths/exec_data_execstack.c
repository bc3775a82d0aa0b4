// flags: -Wl,-z,execstack
//
// PF_X in PT_GNU_STACK makes the stack executable and nothing else: a jump into anonymous memory without PROT_EXEC
// is still SIGSEGV, SEGV_ACCERR (since Linux 5.8). Linux arch/x86/include/asm/elf.h, the table at
// elf_read_implies_exec.
#include "raw_death.h"

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    EQ(map(FIXED_PLACE, PAGE, PROT_READ | PROT_WRITE, MAP_FIXED), FIXED_PLACE);
    FIXED_PLACE[0] = 0xc3;
    fatal_call(FIXED_PLACE);
    return SURVIVED;
}
