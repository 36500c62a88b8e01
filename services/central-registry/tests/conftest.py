import pytest

from central_registry.domain import Registry
from central_registry.testing import FakeClock, MemoryStore


@pytest.fixture
def clock() -> FakeClock:
    """Time that the test moves."""
    return FakeClock()


@pytest.fixture
def store() -> MemoryStore:
    """A disk that the test can fill up."""
    return MemoryStore()


@pytest.fixture
def registry(store: MemoryStore, clock: FakeClock) -> Registry:
    """A registry without I/O."""
    return Registry(store, clock=clock)
