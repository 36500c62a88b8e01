"""What the platform is told about instances."""

from dataclasses import dataclass
from datetime import datetime

from ._changes import ChangeKind
from ._instances import Registration


@dataclass(frozen=True, slots=True)
class Notice:
    """An instance is new, has left or was lost; kept with the very change that it tells of."""

    kind: ChangeKind
    """REGISTERED, LEFT or LOST."""
    at: datetime
    """When."""
    registration: Registration
    """The instance, as it said it was."""
