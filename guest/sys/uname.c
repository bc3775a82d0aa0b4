// uname(2): six fields of 65 bytes, ended and padded with zeros where strings are short; Linux, x86_64; the release
// starts with a number and a dot; EFAULT.
#include "raw.h"

#include <linux/utsname.h>

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    struct new_utsname names;
    memset(&names, 0xff, sizeof names);
    EQ(sys(uname, &names), 0);
    EQ(strcmp(names.sysname, "Linux"), 0);
    EQ(strcmp(names.machine, "x86_64"), 0);
    CHECK(names.release[0] >= '4' && names.release[0] <= '9' && names.release[1] == '.');
    CHECK(strlen(names.nodename) < 65);
    CHECK(names.version[0] == '#');
    CHECK(strlen(names.domainname) < 65);
    EQ(names.sysname[64], 0);
    EQ(names.machine[64], 0);
    EQ(sys(uname, BAD_POINTER), -EFAULT);
    EQ(sys(uname, NULL), -EFAULT);
    EQ(sys(uname, KERNEL_POINTER), -EFAULT);
    return 0;
}
