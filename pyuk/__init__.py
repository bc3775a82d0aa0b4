"""pyuk: an x86-64 Linux-ABI user-mode emulator. Unicorn executes; a kernel in Python is Linux to the program."""

__version__ = "0.1.0"
