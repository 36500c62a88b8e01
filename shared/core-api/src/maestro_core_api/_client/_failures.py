"""What the caller is told when a call brings no answer that can be used."""

import json
from typing import Any

import httpx2

from maestro_core_api._exceptions import (
    APIException,
    BadGatewayException,
    RemoteAPIException,
    ServiceUnavailableException,
)

from ._call import Call
from ._circuit import CircuitOpenError


def refusal(call: Call, response: httpx2.Response) -> RemoteAPIException:
    """Return the exception for an answer that is not 2xx.

    Args:
        call: The call.
        response: The answer, read to its end.
    """
    after = response.headers.get("retry-after")
    return RemoteAPIException(
        f"{call.method} {call.url}",
        status_code=response.status_code,
        problem=_problem(response),
        headers={"Retry-After": after} if after else None,
    )


def unreachable(call: Call, target: str, error: httpx2.RequestError) -> APIException:
    """Return the exception for a connection that failed or broke, or an answer that cannot be read.

    Args:
        call: The call.
        target: Where it went.
        error: What happened.
    """
    where = f"{call.method} {target}" + (f" (for {call.url})" if call.url.startswith("service:") else "")
    reason = str(error) or type(error).__name__
    if isinstance(error, httpx2.PoolTimeout):
        return ServiceUnavailableException(
            detail=f"{where}: all connections of this client are in use; raise max_connections, or call less at a time",
            error_code="CONNECTIONS_EXHAUSTED",
            target=target,
        )
    if isinstance(error, httpx2.DecodingError):
        return BadGatewayException(detail=f"{where}: {reason}", error_code="ANSWER_UNREADABLE", target=target)
    return ServiceUnavailableException(detail=f"{where}: {reason}", error_code="SERVICE_UNREACHABLE", target=target)


def out_of_time(call: Call) -> ServiceUnavailableException:
    """Return the exception for a call that was not over in time.

    Args:
        call: The call.
    """
    return ServiceUnavailableException(
        detail=f"{call.method} {call.url}: no answer within the time for the whole call",
        status_code=504,
        error_code="DEADLINE_EXCEEDED",
        target=call.url,
    )


def left_alone(call: Call, peer: str, circuit: CircuitOpenError) -> ServiceUnavailableException:
    """Return the exception for a call that was not made because the service keeps failing.

    Args:
        call: The call.
        peer: The service.
        circuit: Why, and for how long.
    """
    wait_s = circuit.wait.total_seconds()
    return ServiceUnavailableException(
        detail=f"{call.method} {call.url} was not sent: {circuit.failures} of the last {circuit.calls} calls to {peer} failed; "
        f"it is asked again in {wait_s:.1f} s",
        error_code="CIRCUIT_OPEN",
        headers={"Retry-After": str(max(1, round(wait_s + 0.5)))},
        service=peer,
        retry_after=round(wait_s, 3),
    )


def says_that_service_is_down(error: APIException) -> bool:
    """Tell whether a failure counts against the service; an answer to this one request does not.

    Args:
        error: How the attempt failed.
    """
    return error.status_code in (502, 503, 504) and error.error_code != "CONNECTIONS_EXHAUSTED"


def _problem(response: httpx2.Response) -> dict[str, Any]:
    try:
        document = response.json()
    except (json.JSONDecodeError, UnicodeDecodeError):
        return {}
    return document if isinstance(document, dict) else {}
