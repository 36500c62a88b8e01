"""What only our engine is asked for: each module has `measure(folder, …)` and `rows(figures)`."""
