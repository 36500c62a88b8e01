"""Who calls, for which request, in which trace, and how long it waits."""

from collections.abc import Callable
from typing import Final, Literal

import httpx2
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from maestro_core_api._request_info import RequestInfo, current_request

from ._call import Call
from ._deadline import HEADER as TIMEOUT_HEADER
from ._deadline import Deadline

_PROPAGATOR: Final = TraceContextTextMapPropagator()


class OutgoingHeaders:
    """Makes the headers of calls.

    Args:
        token: Bearer token, or what returns one.
        api_key: Sent as `X-API-Key`.
        identity: `caller` hands on the token of the request being served.
    """

    def __init__(
        self, *, token: str | Callable[[], str] | None, api_key: str | None, identity: Literal["own", "caller"]
    ) -> None:
        self._token = token
        self._api_key = api_key
        self._identity = identity

    def of(self, call: Call, deadline: Deadline, *, to_a_stranger: bool) -> httpx2.Headers:
        """Make the headers of one attempt.

        Args:
            call: The call; its own headers win.
            deadline: When it has to be over.
            to_a_stranger: Whether it goes to an absolute address, which gets no token of a caller.

        Returns:
            The headers.
        """
        served = current_request.get()
        headers = httpx2.Headers({"accept": "application/json, application/problem+json"})
        if served is not None and self._identity == "caller":
            if not to_a_stranger and (authorization := _verified_authorization(served)) is not None:
                headers["authorization"] = authorization
        else:
            if self._token is not None:
                headers["authorization"] = f"Bearer {self._token() if callable(self._token) else self._token}"
            if self._api_key is not None:
                headers["x-api-key"] = self._api_key
        if served is not None:
            headers["x-request-id"] = served.request_id
        headers[TIMEOUT_HEADER] = str(max(0, int(deadline.left_s * 1000)))
        carrier: dict[str, str] = {}
        _PROPAGATOR.inject(carrier)
        headers.update(carrier)
        headers.update(call.headers)
        return headers


def _verified_authorization(served: RequestInfo) -> str | None:
    # Without a principal nobody has looked at the header: what was not accepted here is not shown to others.
    if served.principal is None or served.head is None:
        return None
    sent = served.head.get(b"authorization")
    return None if sent is None else sent.decode("latin-1")
