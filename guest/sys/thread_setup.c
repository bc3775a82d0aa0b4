// What a libc tells the kernel about its first thread: set_tid_address(2) returns the thread's id whatever the
// pointer; set_robust_list(2) takes exactly 24 bytes; rseq(2) registers a 32-byte aligned area once, which then
// holds the CPU's number, and only the same area and signature unregister it.
#include "raw.h"

#include <linux/rseq.h>

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    long tid = sys(gettid);
    CHECK(tid > 0);
    EQ(sys(set_tid_address, &tid), tid);
    EQ(sys(set_tid_address, NULL), tid);
    EQ(sys(set_tid_address, KERNEL_POINTER), tid);
    EQ(sys(getpid), tid);

    static unsigned long robust[3];
    robust[0] = (unsigned long)robust;
    EQ(sys(set_robust_list, robust, 24), 0);
    EQ(sys(set_robust_list, robust, 23), -EINVAL);
    EQ(sys(set_robust_list, BAD_POINTER, 24), 0);       // read only when the thread ends
    EQ(sys(set_robust_list, NULL, 24), 0);

    static struct rseq area __attribute__((aligned(32)));
    area.cpu_id = RSEQ_CPU_ID_UNINITIALIZED;
    EQ(sys(rseq, &area, 32, 0, 0x53053053), 0);
    CHECK(*(volatile int *)&area.cpu_id >= 0);
    EQ(area.cpu_id_start, area.cpu_id);
    EQ(sys(rseq, &area, 32, 0, 0x53053053), -EBUSY);
    EQ(sys(rseq, &area, 32, 0, 0x12345678), -EPERM);    // registered with another signature
    EQ(sys(rseq, &area + 1, 32, 0, 0x53053053), -EINVAL);
    EQ(sys(rseq, &area, 32, RSEQ_FLAG_UNREGISTER, 0x12345678), -EPERM);
    EQ(sys(rseq, &area, 64, RSEQ_FLAG_UNREGISTER, 0x53053053), -EINVAL);
    EQ(sys(rseq, &area, 32, RSEQ_FLAG_UNREGISTER, 0x53053053), 0);
    EQ(*(volatile int *)&area.cpu_id, RSEQ_CPU_ID_UNINITIALIZED);
    EQ(sys(rseq, &area, 32, RSEQ_FLAG_UNREGISTER, 0x53053053), -EINVAL);
    EQ(sys(rseq, (char *)&area + 4, 32, 0, 0x53053053), -EINVAL);
    EQ(sys(rseq, &area, 16, 0, 0x53053053), -EINVAL);
    EQ(sys(rseq, &area, 32, 0x100, 0x53053053), -EINVAL);
    EQ(sys(rseq, KERNEL_POINTER, 32, 0, 0x53053053), -EFAULT);
    return 0;
}
