"""What can go wrong in the registry, without a word about HTTP."""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, NamedTuple


class Fault(NamedTuple):
    """One thing that is wrong with a registration."""

    field: str
    """Name of the field, as on the wire (`lease_s`)."""
    message: str
    """What is wrong, and what would be right."""


class RegistryError(Exception):
    """Root of the registry's errors.

    Attributes:
        code: Stable identifier to branch on.
    """

    code: ClassVar[str] = "REGISTRY_ERROR"


class InvalidRegistrationError(RegistryError):
    """A registration breaks the rules.

    Args:
        faults: Everything that is wrong with it.

    Attributes:
        faults: Everything that is wrong with it.
    """

    code = "INVALID_REGISTRATION"

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(f"{fault.field} {fault.message}" for fault in self.faults))


class ServiceNotFoundError(RegistryError):
    """No instance of a service is live, or none of those that are is wanted.

    Args:
        service: Name that was looked up.
        live: Names of the services that have live instances.
        wanted: What was asked for beyond the name, in words; empty for nothing.
        others: Live instances of the service that are not wanted.
        unhealthy: Live instances of the service whose probes fail.

    Attributes:
        service: Name that was looked up.
        live: Names of the services that have live instances.
        unhealthy: Live instances of the service whose probes fail.
    """

    code = "SERVICE_NOT_FOUND"

    def __init__(
        self, service: str, live: Sequence[str], *, wanted: str = "", others: int = 0, unhealthy: int = 0
    ) -> None:
        self.service = service
        self.live = tuple(live)
        self.unhealthy = unhealthy
        if others or unhealthy:
            there_are = [f"{others} of another kind"] * bool(others)
            there_are += [f"{unhealthy} whose probes fail"] * bool(unhealthy)
            detail = f"it has {' and '.join(there_are)}"
        else:
            detail = f"live services: {', '.join(self.live)}" if live else "no service is live"
        super().__init__(f"no live instance of {service!r}{f' with {wanted}' if wanted else ''}; {detail}")


class RegistryFullError(RegistryError):
    """There are as many instances as the registry takes.

    Args:
        most: How many that is.

    Attributes:
        most: How many that is.
    """

    code = "REGISTRY_FULL"

    def __init__(self, most: int) -> None:
        self.most = most
        super().__init__(f"{most} instances are registered and no more are taken; raise max_instances")


class LeaseExpiredError(RegistryError):
    """An instance has no lease, because it ran out or never was.

    Args:
        service: Name of the service.
        instance_id: Identifier of the instance.

    Attributes:
        service: Name of the service.
        instance_id: Identifier of the instance.
    """

    code = "LEASE_EXPIRED"

    def __init__(self, service: str, instance_id: str) -> None:
        self.service = service
        self.instance_id = instance_id
        super().__init__(f"instance {instance_id!r} of {service!r} has no lease; register it again")


class StorageError(RegistryError):
    """The database cannot be used.

    Args:
        path: The database file.
        reason: What happened.

    Attributes:
        path: The database file.
        reason: What happened.
        hint: What an operator can do about it.
    """

    code = "STORAGE_ERROR"
    hint: ClassVar[str] = "look into the service's log"

    def __init__(self, path: Path, reason: str) -> None:
        self.path = path
        self.reason = reason
        super().__init__(f"{path}: {reason}; {self.hint}")


class StorageUnavailableError(StorageError):
    """The database cannot be opened, read or written."""

    code = "STORAGE_UNAVAILABLE"
    hint = "check that the folder exists and may be written, and that no other registry uses this file"


class StorageFullError(StorageError):
    """There is no room left for the database."""

    code = "STORAGE_FULL"
    hint = "free some space on that disk, or move data_dir"


class StorageCorruptError(StorageError):
    """The file is damaged, of a newer version, or no database of the registry."""

    code = "STORAGE_CORRUPT"
    hint = (
        "nothing in it was changed; put back a copy, or move it away and start again: "
        "running services register anew by themselves within a third of their lease"
    )
