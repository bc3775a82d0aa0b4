"""System V shared memory. Source: linux/ipc.h, linux/shm.h, asm-generic/shmbuf.h (Linux 6.1)."""

IPC_PRIVATE = 0

# shmget(2): flags beside the permissions
IPC_CREAT = 0o1000
IPC_EXCL = 0o2000
IPC_NOWAIT = 0o4000
SHM_HUGETLB = 0o4000
SHM_NORESERVE = 0o10000

# shmat(2)
SHM_RDONLY = 0o10000
SHM_RND = 0o20000
SHM_REMAP = 0o40000
SHM_EXEC = 0o100000

# shmctl(2)
IPC_RMID = 0
IPC_SET = 1
IPC_STAT = 2
IPC_INFO = 3
SHM_LOCK = 11
SHM_UNLOCK = 12
SHM_STAT = 13
SHM_INFO = 14
SHM_STAT_ANY = 15

# the mode in struct ipc_perm, beside the permissions
SHM_DEST = 0o1000
SHM_LOCKED = 0o2000
