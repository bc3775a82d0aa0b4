// sysinfo(2): uptime, memory in units of mem_unit with free not more than total, at least one process; EFAULT.
#include "raw.h"

#include <linux/sysinfo.h>

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    struct sysinfo info;
    memset(&info, 0xff, sizeof info);
    EQ(sys(sysinfo, &info), 0);
    CHECK(info.uptime >= 0);
    CHECK(info.mem_unit >= 1);
    CHECK(info.totalram > 0);
    CHECK(info.freeram <= info.totalram);
    CHECK(info.freeswap <= info.totalswap);
    CHECK(info.procs >= 1);
    EQ(info.totalhigh, 0);
    EQ(info.pad, 0);
    EQ(sys(sysinfo, BAD_POINTER), -EFAULT);
    EQ(sys(sysinfo, NULL), -EFAULT);
    return 0;
}
