"""Where values come from: one module per source, all with the same `read`."""
