"""The load that the fault suite puts on an engine, and what must be true of it afterwards."""
