"""The engine beside its peers: durable steps a second, latency, memory, recovery. Run `make bench-engine`.

`peers/` has one module for each system that is measured, ours among them; each opens it in the same way and gives a
function that takes the same three-step workflow from start to finish. `ours/` has one module for each figure that only our
engine is asked for. Every measurement is a process of its own in a folder of its own.
"""
