"""Live streams of runs."""
