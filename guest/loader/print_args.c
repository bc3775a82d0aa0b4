// args: a "b c"
//
// Prints argv, one argument a line in brackets, and the name it was executed by: the interpreter that the `#!` tests
// use.
#include "raw.h"

#include <linux/auxvec.h>

int main(int argc, char **argv, char **envp)
{
    for (int i = 0; i < argc; i++)
        print("[%s]\n", argv[i]);
    print("execfn [%s]\n", (char *)auxv_value(envp, AT_EXECFN));
    return 0;
}
