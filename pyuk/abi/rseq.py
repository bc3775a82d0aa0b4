"""Restartable sequences.

Source: linux/rseq.h (Linux 6.1).
"""

RSEQ_FLAG_UNREGISTER = 1
RSEQ_CPU_ID_UNINITIALIZED = -1
RSEQ_CPU_ID_REGISTRATION_FAILED = -2
RSEQ_SIZE = 32
"""The original struct, which is all that glibc 2.36 registers."""
