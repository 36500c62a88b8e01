"""The rules of the registry: what a registration is, how long it is believed, what look-up shows. No I/O here."""

from ._balancing import FULL_WEIGHT, Balancing, Hint
from ._changes import Change, ChangeKind, ChangeLog
from ._errors import (
    Fault,
    InvalidRegistrationError,
    LeaseExpiredError,
    RegistryError,
    RegistryFullError,
    ServiceNotFoundError,
    StorageCorruptError,
    StorageError,
    StorageFullError,
    StorageUnavailableError,
)
from ._health import Health, HealthCheck, HealthState
from ._health_limits import why_not_probed
from ._instances import Clock, Instance, InstanceKey, Registration
from ._leases import LeaseTable
from ._limits import SERVICE_NAME, VERSION, Limits
from ._notices import Notice
from ._registry import Registered, Registry, Snapshot
from ._selection import Selection
from ._storage import RegistrationStore
from ._ticker import Ticker

__all__ = [
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
