"""A server-sent event as a client sees it."""

import json
from typing import Any, NamedTuple


class StreamEvent(NamedTuple):
    """One server-sent event (WHATWG HTML, section 9.2)."""

    id: str | None
    """Position in the stream, to be sent as `Last-Event-ID`; None when the stream has none."""
    event: str
    """Kind of event; `message` when the stream does not say."""
    data: str
    """The data, lines joined by a newline."""

    def json(self) -> Any:
        """Return the data read as JSON.

        Raises:
            json.JSONDecodeError: The data is not JSON.
        """
        return json.loads(self.data)
