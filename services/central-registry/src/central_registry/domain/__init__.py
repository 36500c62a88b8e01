"""The rules of the registry: what a registration is, how long it is believed, what look-up shows. No I/O here."""

from ._errors import (
    Fault,
    InvalidRegistrationError,
    LeaseExpiredError,
    RegistryError,
    ServiceNotFoundError,
    StorageCorruptError,
    StorageError,
    StorageFullError,
    StorageUnavailableError,
)
from ._instances import Clock, Instance, InstanceKey, Registration
from ._leases import LeaseTable
from ._limits import Limits
from ._registry import Registered, Registry
from ._storage import RegistrationStore

__all__ = [
    "Clock",
    "Fault",
    "Instance",
    "InstanceKey",
    "InvalidRegistrationError",
    "LeaseExpiredError",
    "LeaseTable",
    "Limits",
    "Registered",
    "Registration",
    "RegistrationStore",
    "Registry",
    "RegistryError",
    "ServiceNotFoundError",
    "StorageCorruptError",
    "StorageError",
    "StorageFullError",
    "StorageUnavailableError",
]
