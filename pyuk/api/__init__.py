"""The Python API: programs run, looked at and interfered with from Python. `import pyuk` is the way in.

It stands above the composition root (pyuk/system.py) and may take its time to be imported: the command does not.
"""
