// mincore(2), process_vm_readv(2), process_vm_writev(2), membarrier(2), remap_file_pages(2), pkey_mprotect(2).
#include "raw.h"
#include <linux/uio.h>

#define RW (PROT_READ | PROT_WRITE)

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    unsigned char vec[8];
    char *p = map(0, 8 * PAGE, RW, 0);
    CHECK((long)p > 0);
    EQ(sys(madvise, p, 8 * PAGE, 15), 0);               // MADV_NOHUGEPAGE
    p[PAGE] = 1;
    EQ(sys(mincore, p, 2 * PAGE + 1, vec), 0);
    EQ(vec[0], 0);
    EQ(vec[1], 1);
    EQ(vec[2], 0);
    EQ(sys(mincore, p + 1, PAGE, vec), -EINVAL);
    EQ(sys(mincore, p, PAGE, BAD_POINTER), -EFAULT);
    EQ(sys(mincore, p, 0, BAD_POINTER), 0);
    EQ(sys(mincore, KERNEL_POINTER, PAGE, vec), -ENOMEM);
    EQ(sys(munmap, p + 4 * PAGE, PAGE), 0);
    EQ(sys(mincore, p, 5 * PAGE, vec), -ENOMEM);

    long me = sys(getpid);
    memcpy(p, "0123456789", 10);
    struct iovec to[2] = {{p + 100, 3}, {p + 200, 4}}, from[3] = {{p, 2}, {0, 0}, {p + 5, 5}}, bad = {BAD_POINTER, 4};
    EQ(sys(process_vm_readv, me, to, 2, from, 3, 0), 7);
    EQ(memcmp(p + 100, "015", 3), 0);
    EQ(memcmp(p + 200, "6789", 4), 0);
    EQ(sys(process_vm_writev, me, from, 3, to, 2, 0), 7);
    EQ(sys(process_vm_readv, me, to, 2, &bad, 1, 0), -EFAULT);
    EQ(sys(process_vm_writev, me, to, 2, &bad, 1, 0), -EFAULT);
    EQ(sys(process_vm_readv, me, &bad, 1, from, 3, 0), -EFAULT);
    EQ(sys(process_vm_readv, me, to, 2, from, 3, 1), -EINVAL);
    EQ(sys(process_vm_readv, me, to, 0, from, 3, 0), 0);
    EQ(sys(process_vm_readv, me, to, 2, from, 0, 0), 0);
    EQ(sys(process_vm_readv, me, to, 1025, from, 1, 0), -EINVAL);
    EQ(sys(process_vm_readv, me, to, 1, from, 1025, 0), -EINVAL);
    EQ(sys(process_vm_readv, me, BAD_POINTER, 1, from, 1, 0), -EFAULT);
    EQ(sys(process_vm_readv, me, to, 1, BAD_POINTER, 1, 0), -EFAULT);
    EQ(sys(process_vm_readv, 0x7ffffff0, to, 1, from, 1, 0), -ESRCH);
    struct iovec across = {p + 4 * PAGE - 8, 16}, whole = {p + PAGE, 16};
    memcpy(p + 4 * PAGE - 8, "abcdefgh", 8);
    EQ(sys(process_vm_readv, me, &whole, 1, &across, 1, 0), 8);      // up to the hole
    EQ(memcmp(p + PAGE, "abcdefgh", 8), 0);
    struct iovec negative = {p, -1L};
    EQ(sys(process_vm_readv, me, &negative, 1, from, 1, 0), -EINVAL);
    EQ(sys(process_vm_readv, me, to, 1, &negative, 1, 0), -EINVAL);

    EQ(sys(membarrier, 0, 0, 0) & 0x1ff, 0x1ff);
    EQ(sys(membarrier, 1, 0, 0), 0);
    EQ(sys(membarrier, 2, 0, 0), 0);
    EQ(sys(membarrier, 8, 0, 0), -EPERM);
    EQ(sys(membarrier, 8, 1, 0), -EINVAL);
    EQ(sys(membarrier, 16, 0, 0), 0);
    EQ(sys(membarrier, 8, 0, 0), 0);
    EQ(sys(membarrier, 32, 0, 0), -EPERM);
    EQ(sys(membarrier, 64, 0, 0), 0);
    EQ(sys(membarrier, 32, 0, 0), 0);
    EQ(sys(membarrier, 3, 0, 0), -EINVAL);
    EQ(sys(membarrier, -1, 0, 0), -EINVAL);

    char *s = (char *)sys(mmap, 0, 4 * PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK((long)s > 0);
    for (int i = 0; i < 4; i++)
        s[i * PAGE] = 'a' + i;
    EQ(sys(remap_file_pages, s, PAGE, 0, 3, 0), 0);
    EQ(s[0], 'd');
    s[0] = 'D';
    EQ(s[3 * PAGE], 'D');
    EQ(s[PAGE], 'b');
    EQ(sys(remap_file_pages, s, PAGE, PROT_READ, 0, 0), -EINVAL);
    EQ(sys(remap_file_pages, p, PAGE, 0, 0, 0), -EINVAL);
    EQ(sys(remap_file_pages, s, 0, 0, 0, 0), -EINVAL);

    EQ(sys(pkey_mprotect, s, PAGE, PROT_READ, -1), 0);
    EQ(probe(s), READABLE);
    EQ(sys(pkey_mprotect, s + 1, PAGE, PROT_READ, -1), -EINVAL);
    EQ(sys(pkey_mprotect, s, 0, PROT_READ, 77), 0);
    EQ(sys(pkey_mprotect, s, PAGE, PROT_READ, 77), -EINVAL);
    EQ(sys(pkey_free, 77), -EINVAL);
    EQ(sys(pkey_alloc, 1, 0), -EINVAL);
    EQ(sys(pkey_alloc, 0, 4), -EINVAL);
    return 0;
}
