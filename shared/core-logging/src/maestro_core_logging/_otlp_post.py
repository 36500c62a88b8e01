"""One request to an OTLP receiver."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Final
from urllib.parse import urlsplit

from maestro_core_logging._options import OtlpExport
from maestro_core_logging._otlp import rejected_records

# https://opentelemetry.io/docs/specs/otlp/#retryable-response-codes
_RETRYABLE: Final = frozenset({429, 502, 503, 504})
_WORTH_PACKING: Final = 1_024
_MAX_ANSWER: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a request."""

    fault: str = ""
    """Why it failed; empty when it did not."""

    is_final: bool = True
    """Whether sending the same again would be of no use."""

    rejected: int = 0
    """How many records the receiver did not take, of a request that it took."""

    retry_after: float = 0.0
    """How long the receiver wants to be left alone, in seconds."""


class OtlpPost:
    """Posts to one receiver, over a connection that is kept open.

    Args:
        options: Where to, and how long a request may take.
    """

    def __init__(self, options: OtlpExport) -> None:
        address = urlsplit(options.endpoint)
        self._is_secure = address.scheme == "https"
        self._place = address.hostname or "", address.port
        self._path = address.path.rstrip("/") or "/v1/logs"
        self._timeout = options.timeout.total_seconds()
        self._headers = {**options.headers, "content-type": "application/json"}
        self._connection: HTTPConnection | None = None

    def __call__(self, body: bytes) -> Answer:
        """Post.

        Args:
            body: JSON.

        Returns:
            What became of it.
        """
        headers = self._headers
        if len(body) >= _WORTH_PACKING:
            body, headers = gzip.compress(body, compresslevel=1), {**headers, "content-encoding": "gzip"}
        is_kept = self._connection is not None
        try:
            return self._exchange(body, headers)
        except (OSError, HTTPException) as error:
            self.close()
            if not is_kept:
                return Answer(f"{type(error).__name__}: {error}", is_final=False)
        try:  # the receiver closed a connection that was idle: no failure yet
            return self._exchange(body, headers)
        except (OSError, HTTPException) as error:
            self.close()
            return Answer(f"{type(error).__name__}: {error}", is_final=False)

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _exchange(self, body: bytes, headers: dict[str, str]) -> Answer:
        if self._connection is None:
            kind = HTTPSConnection if self._is_secure else HTTPConnection
            self._connection = kind(*self._place, timeout=self._timeout)
        self._connection.request("POST", self._path, body, headers)
        response = self._connection.getresponse()
        answer = response.read(_MAX_ANSWER)
        if response.read(1):  # more than anybody says: the connection is not worth keeping
            self.close()
        if 200 <= response.status < 300:
            rejected, why = rejected_records(answer)
            return Answer(f"records were rejected: {why}" if rejected else "", rejected=rejected)
        wait = response.getheader("retry-after", "")
        return Answer(
            f"HTTP {response.status} {response.reason}",
            is_final=response.status not in _RETRYABLE,
            retry_after=float(wait) if wait.isdecimal() else 0.0,
        )
