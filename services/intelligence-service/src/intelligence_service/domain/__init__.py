"""What the service knows and decides: no I/O, no framework."""
