"""What is declared, and which of it is forgotten. Rules only."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from maestro_core_api.gateway import Declaration

_KEPT_VERSIONS: Final = 8

Versions = Mapping[str, Declaration]
"""Version → what it wants of the gateway, in the order in which they declared."""


@dataclass(frozen=True, slots=True)
class DeclarationLimits:
    """The bounds of what is declared."""

    max_services: int = 2_000
    """Services that declare something."""
    max_versions: int = 64
    """Versions of a service, those that run included."""
    max_bytes: int = 1024 * 1024
    """Room for one declaration, in bytes of JSON."""


class DeclarationStore(Protocol):
    """Keeps declarations."""

    async def load(self) -> Mapping[str, Versions]:
        """Return what is kept, by service.

        Raises:
            StorageError: It cannot be read.
        """
        ...

    async def replace(self, service: str, versions: Versions) -> None:
        """Keep what a service declares in place of what is kept of it. It is on disk when the call returns.

        Args:
            service: Name of the service.
            versions: All of its declarations; none forgets it.

        Raises:
            StorageError: It is not kept; what was kept before still is.
        """
        ...


def with_declaration(versions: Versions, version: str, declaration: Declaration, live: Collection[str]) -> Versions:
    """Put a version's declaration among those of its service.

    Args:
        versions: What is declared.
        version: Version that declares.
        declaration: What it wants.
        live: Versions that run.

    Returns:
        The same with it, last; of those that do not run only the latest few are left.
    """
    others = {name: each for name, each in versions.items() if name != version}
    idle = [name for name in others if name not in live]
    dropped = set(idle[: max(0, len(idle) - _KEPT_VERSIONS)])
    return {**{name: each for name, each in others.items() if name not in dropped}, version: declaration}
