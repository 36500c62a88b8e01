"""How a run is started, besides its input."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from maestro_workflow_engine._attributes import AttributeValue, checked


@dataclass(frozen=True, slots=True, kw_only=True)
class StartOptions:
    """How a run is started.

    Raises:
        SearchAttributeError: The name or value of an attribute is none, or there are more than 64.
    """

    attributes: Mapping[str, AttributeValue] = field(default_factory=dict)
    """The run's search attributes at first. Default: none."""

    def __post_init__(self) -> None:
        """Refuse what cannot be an option."""
        checked(self.attributes)
