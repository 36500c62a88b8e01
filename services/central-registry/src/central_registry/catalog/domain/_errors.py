"""What can go wrong in the catalog."""

from collections.abc import Sequence

from central_registry.domain import Fault, RegistryError


class InvalidEntryError(RegistryError):
    """What a service says about itself breaks the rules, or what was observed does.

    Args:
        faults: Everything that is wrong with it.

    Attributes:
        faults: Everything that is wrong with it.
    """

    code = "INVALID_CATALOG_ENTRY"

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(f"{fault.field} {fault.message}" for fault in self.faults))


class EntryNotFoundError(RegistryError):
    """The catalog has no entry of a service, or not what is asked for of it.

    Args:
        service: Name of the service.
        missing: What there is not, in words.

    Attributes:
        service: Name of the service.
    """

    code = "CATALOG_ENTRY_NOT_FOUND"

    def __init__(self, service: str, missing: str = "entry") -> None:
        self.service = service
        super().__init__(f"the catalog has no {missing} of {service!r}")


class CatalogFullError(RegistryError):
    """The catalog takes no more.

    Args:
        what: What there is too much of, in words.
        most: How many it takes.

    Attributes:
        most: How many it takes.
    """

    code = "CATALOG_FULL"

    def __init__(self, what: str, most: int) -> None:
        self.most = most
        super().__init__(f"the catalog takes {most} {what} and no more")
