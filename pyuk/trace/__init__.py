"""Everything that watches: strace text, crash reports, views of a program."""
