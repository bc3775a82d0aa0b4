// shmget(2), shmat(2), shmdt(2), shmctl(2): a segment is found by its key, seen by all who attach it, counted, and lives
// after IPC_RMID until the last one detaches.
#include "raw.h"
#include <linux/ipc.h>
#include <linux/shm.h>

#define KEY 0x70797565

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    struct shmid64_ds ds;
    int old = sys(shmget, KEY, 0, 0);
    if (old >= 0)
        sys(shmctl, old, IPC_RMID, 0);
    EQ(sys(shmget, KEY, PAGE, 0600), -ENOENT);
    EQ(sys(shmget, KEY, 0, IPC_CREAT | 0600), -EINVAL);
    EQ(sys(shmget, KEY, -1L, IPC_CREAT | 0600), -EINVAL);
    int id = sys(shmget, KEY, PAGE + 100, IPC_CREAT | 0640);
    CHECK(id >= 0);
    EQ(sys(shmget, KEY, 0, 0), id);
    EQ(sys(shmget, KEY, PAGE + 100, IPC_CREAT), id);
    EQ(sys(shmget, KEY, PAGE + 101, IPC_CREAT), -EINVAL);
    EQ(sys(shmget, KEY, PAGE, IPC_CREAT | IPC_EXCL | 0600), -EEXIST);
    int private = sys(shmget, IPC_PRIVATE, PAGE, 0600);
    CHECK(private >= 0 && private != id);
    EQ(sys(shmctl, private, IPC_RMID, 0), 0);

    EQ(sys(shmat, -1, 0, 0), -EINVAL);
    EQ(sys(shmat, id, 0, SHM_REMAP), -EINVAL);
    char *p = (char *)sys(shmat, id, 0, 0), *q = (char *)sys(shmat, id, 0, SHM_RDONLY);
    CHECK((long)p > 0 && (long)q > 0);
    p[0] = 'a';
    p[PAGE + 99] = 'z';
    p[2 * PAGE - 1] = 'e';                              // the rest of the last page
    EQ(q[0], 'a');
    EQ(q[2 * PAGE - 1], 'e');
    EQ(probe(q), READABLE);
    EQ(probe(p), READABLE | WRITABLE);
    EQ(probe(p + 2 * PAGE - 1), READABLE | WRITABLE);
    EQ(sys(mprotect, q, PAGE, PROT_READ | PROT_WRITE), -EACCES);
    EQ(sys(shmat, id, p, 0), -EINVAL);                  // something is mapped there
    EQ(sys(shmat, id, p + 1, 0), -EINVAL);
    EQ(sys(shmat, id, p + 1, SHM_REMAP), -EINVAL);

    EQ(sys(shmctl, id, IPC_STAT, &ds), 0);
    EQ(ds.shm_segsz, PAGE + 100);
    EQ(ds.shm_nattch, 2);
    EQ(ds.shm_perm.mode, 0640);
    EQ(ds.shm_perm.key, KEY);
    EQ(ds.shm_cpid, sys(getpid));
    EQ(ds.shm_lpid, sys(getpid));
    EQ(ds.shm_dtime, 0);
    ds.shm_perm.mode = 0600;
    EQ(sys(shmctl, id, IPC_SET, &ds), 0);
    EQ(sys(shmctl, id, IPC_SET, BAD_POINTER), -EFAULT);
    EQ(sys(shmctl, id, IPC_STAT, BAD_POINTER), -EFAULT);
    EQ(sys(shmctl, id, 99, &ds), -EINVAL);
    EQ(sys(shmctl, -1, IPC_STAT, &ds), -EINVAL);

    // a hole in the middle of an attachment: shmdt removes the rest
    EQ(sys(munmap, q + PAGE, PAGE), 0);
    EQ(sys(shmdt, q + PAGE), -EINVAL);
    EQ(sys(shmdt, q + 1), -EINVAL);
    EQ(sys(shmdt, q), 0);
    EQ(probe(q), UNMAPPED);
    EQ(sys(shmdt, q), -EINVAL);

    char *r = map(0, 4 * PAGE, PROT_READ, 0);
    EQ(sys(shmat, id, r + 1, SHM_RND | SHM_REMAP), (long)r);
    EQ(r[0], 'a');
    EQ(sys(shmctl, id, IPC_RMID, 0), 0);
    EQ(sys(shmget, KEY, 0, 0), -ENOENT);
    EQ(sys(shmctl, id, IPC_STAT, &ds), 0);
    EQ(ds.shm_perm.mode, 01600);                 // SHM_DEST
    EQ(ds.shm_perm.key, 0);
    EQ(ds.shm_nattch, 2);
    p[1] = 'b';
    EQ(r[1], 'b');
    q = (char *)sys(shmat, id, 0, 0);                   // still possible
    CHECK((long)q > 0);
    EQ(sys(shmdt, q), 0);
    EQ(sys(shmdt, r), 0);
    EQ(probe(r + 2 * PAGE), READABLE);
    EQ(sys(shmdt, p), 0);
    long gone = sys(shmctl, id, IPC_STAT, &ds);
    CHECK(gone == -EINVAL || gone == -EIDRM);
    return 0;
}
