"""What /proc and /sys say: nodes of fs/pseudo over the kernel's own tables. Nothing here is the host's."""
