"""CloudEvents on a cluster: the hub that knows who listens, and how runs and engines reach it."""
