"""Several workers in one exposition: each writes its numbers to a file that all of them read."""
