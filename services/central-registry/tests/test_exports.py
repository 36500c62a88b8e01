from importlib.metadata import entry_points
from importlib.util import find_spec

import central_registry
from central_registry import domain


def test_the_domain_exports_exactly_this() -> None:
    """The names that other rooms take from the domain are these and no others."""
    assert domain.__all__ == [
        "FULL_WEIGHT",
        "SERVICE_NAME",
        "VERSION",
        "Balancing",
        "Change",
        "ChangeKind",
        "ChangeLog",
        "Clock",
        "Fault",
        "Health",
        "HealthCheck",
        "HealthState",
        "Hint",
        "Instance",
        "InstanceKey",
        "InvalidRegistrationError",
        "LeaseExpiredError",
        "LeaseTable",
        "Limits",
        "Notice",
        "Registered",
        "Registration",
        "RegistrationStore",
        "Registry",
        "RegistryError",
        "RegistryFullError",
        "Selection",
        "ServiceNotFoundError",
        "Snapshot",
        "StorageCorruptError",
        "StorageError",
        "StorageFullError",
        "StorageUnavailableError",
        "Ticker",
        "why_not_probed",
    ]
    assert all(hasattr(domain, name) for name in domain.__all__)


def test_the_service_can_be_found() -> None:
    """The entry points lead to the module that serves and to the class of its configuration."""
    (service,) = entry_points(group="maestro.services", name="central-registry")
    assert service.load() is central_registry
    assert find_spec(f"{service.value}.__main__") is not None
    (config,) = entry_points(group="maestro.configs", name="central-registry")
    assert config.load().service_name == "central-registry"
