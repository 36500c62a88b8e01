"""Which instances are wanted."""

from dataclasses import dataclass

from ._instances import Instance


@dataclass(frozen=True, slots=True)
class Selection:
    """What instances must have to be wanted; by default nothing but that their probes do not fail."""

    zone: str | None = None
    """The zone they run in; None for any."""
    tags: frozenset[str] = frozenset()
    """Tags that they have, all of them."""
    version: str | None = None
    """Their version, whole or from its beginning: `1.2` means 1.2.0 and 1.2.7, not 1.20.0; None for any."""
    with_unhealthy: bool = False
    """Whether instances are wanted whose probes fail."""

    def wants(self, instance: Instance) -> bool:
        """Tell whether an instance is wanted.

        Args:
            instance: A live instance.

        Returns:
            True when it has everything.
        """
        registration = instance.registration
        return (
            (self.with_unhealthy or instance.health.is_shown)
            and (self.zone is None or registration.zone == self.zone)
            and self.tags <= registration.tags
            and (self.version is None or _begins_with(registration.version, self.version))
        )

    def __str__(self) -> str:
        """Say what is asked for beyond health; empty when it is nothing."""
        parts = [f"tag {tag}" for tag in sorted(self.tags)]
        if self.zone is not None:
            parts.insert(0, f"zone {self.zone}")
        if self.version is not None:
            parts.append(f"version {self.version}")
        return ", ".join(parts)


def _begins_with(version: str, beginning: str) -> bool:
    return version == beginning or version.startswith((f"{beginning}.", f"{beginning}-", f"{beginning}+"))
