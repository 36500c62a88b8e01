"""What is decided about an endpoint apart from where it is."""

from dataclasses import dataclass, field
from datetime import timedelta

from intelligence_service.domain.tokens import Price


@dataclass(frozen=True, slots=True)
class EndpointOptions:
    """How an endpoint is used."""

    name: str = "default"
    """Name in logs, metrics and views."""
    tier: int = 0
    """Endpoints of a lower tier are asked first."""
    weight: float = 1.0
    """Share of first questions within the tier."""
    timeout: timedelta = timedelta(seconds=60)
    """For one attempt: the whole answer, or the first piece of a streamed one and each further wait."""
    concurrency: int = 2
    """Most questions at the same time; further ones wait, within their timeout."""
    price: Price = field(default_factory=Price)
    """What its tokens cost."""
