"""One call as it was asked for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

Headers = Mapping[str, str]
Params = Mapping[str, Any]

# RFC 9110, section 9.2.2.
_IDEMPOTENT: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"})
_KEY: Final = "idempotency-key"


@dataclass(frozen=True, slots=True)
class Call:
    """One call, before it is known who answers it."""

    method: str
    """HTTP method in capitals."""
    url: str
    """Absolute, `service://` or a path under the client's `base_url`, as asked for."""
    json: Any = None
    """Body, any JSON value; None for none."""
    content: bytes | str | None = None
    """Body as it is, instead of `json`."""
    headers: Headers = field(default_factory=dict)
    """Headers that win over the client's."""
    params: Params | None = None
    """Query parameters."""
    streams: bool = False
    """Whether the answer is handed over before it is read."""
    read_timeout: timedelta | None = None
    """Limit for each wait for data of a stream; None waits for ever."""

    @property
    def is_idempotent(self) -> bool:
        """Whether making the call twice is the same as making it once: by its method, or by an `Idempotency-Key`."""
        return self.method in _IDEMPOTENT or any(name.lower() == _KEY for name in self.headers)
