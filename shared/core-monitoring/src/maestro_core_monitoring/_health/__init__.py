"""Health checks: run together, each under its own time limit, none twice at once."""
