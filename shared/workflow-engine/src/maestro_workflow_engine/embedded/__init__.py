"""The embedded runner: one process, one SQLite file, one fsync for many runs."""
