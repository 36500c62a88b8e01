"""For tests: stand-ins for time and disk, and the registry as a process."""

from ._process import RegistryProcess
from ._stand_ins import FakeClock, MemoryStore

__all__ = ["FakeClock", "MemoryStore", "RegistryProcess"]
