"""What is declared, and which of it is forgotten. Rules only."""

from collections.abc import Collection, Mapping
from typing import Final, Protocol

from maestro_core_api.gateway import Declaration

_KEPT_VERSIONS: Final = 8

Versions = Mapping[str, Declaration]


class DeclarationStore(Protocol):
    """Keeps declarations."""

    async def load(self) -> Mapping[str, Versions]:
        """Return what is kept."""
        ...

    async def save(self, declarations: Mapping[str, Versions]) -> None:
        """Replace what is kept."""
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
