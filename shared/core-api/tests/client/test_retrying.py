from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maestro_core_api import APIException, RemoteAPIException, RetryConfig, ServiceUnavailableException
from maestro_core_api._client._call import Call
from maestro_core_api._client._retrying import is_worth_retrying, pause_before_retry
from maestro_core_api._retry_after import retry_after

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("method", "headers", "expected"),
    [
        *[(method, {}, True) for method in ("GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE")],
        *[(method, {}, False) for method in ("POST", "PATCH", "CONNECT", "QUERYISH")],
        ("POST", {"Idempotency-Key": "k"}, True),
        ("PATCH", {"idempotency-key": "k"}, True),
        ("POST", {"X-Key": "k"}, False),
    ],
)
def test_idempotent_is_what_rfc_9110_says_or_has_a_key(method: str, headers: dict[str, str], expected: bool) -> None:
    """A method is idempotent, or the call carries an Idempotency-Key in any case of letters."""
    assert Call(method, "/", headers=headers).is_idempotent is expected


@given(number=st.integers(0, 10_000), share=st.floats(0, 1))
def test_pauses_have_full_jitter_below_a_limit_that_doubles(number: int, share: float) -> None:
    """Any pause from zero to the doubled limit may come, and none above the longest."""
    config = RetryConfig(first_pause=timedelta(milliseconds=100), longest_pause=timedelta(seconds=5))
    limit_s = min(5.0, 0.1 * 2 ** min(number, 20))
    pause = pause_before_retry(number, APIException(), config, choose=lambda low, high: low + share * (high - low))
    assert pause is not None
    assert pause.total_seconds() == pytest.approx(share * limit_s, abs=1e-5)


def test_retry_after_is_waited_for_in_full() -> None:
    """No jitter makes a call come before the time that the service asked for, and too long a time is not waited for."""
    config = RetryConfig(longest_retry_after=timedelta(seconds=10))
    for choose in (lambda low, high: low, lambda low, high: high):
        pause = pause_before_retry(0, APIException(headers={"retry-after": "10"}), config, choose=choose)
        assert pause is not None
        assert timedelta(seconds=10) <= pause <= timedelta(seconds=10.1)
    assert pause_before_retry(0, APIException(headers={"Retry-After": "11"}), config) is None


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ("7", 7),
        (" 7 ", 7),
        ("0", 0),
        ("Sun, 01 Mar 2026 12:00:30 GMT", 30),
        ("Sun, 01 Mar 2026 11:00:00 GMT", 0),
        ("-1", None),
        ("1.5", None),
        ("soon", None),
        ("٣", None),
        ("9" * 40, None),
        ("", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(sent: str, expected: int | None) -> None:
    """Both forms of RFC 9110 are read, a past date is now, and nonsense is as if nothing was sent."""
    found = retry_after({"Retry-After": sent}, now=lambda: NOW)
    assert found == (None if expected is None else timedelta(seconds=expected))


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        *[(APIException(status_code=status), True) for status in (429, 502, 503, 504)],
        *[(APIException(status_code=status), False) for status in (400, 401, 404, 409, 422, 500, 501)],
        (ServiceUnavailableException(error_code="SERVICE_UNREACHABLE"), True),
        (ServiceUnavailableException(error_code="CIRCUIT_OPEN"), False),
        (ServiceUnavailableException(error_code="DEADLINE_EXCEEDED", status_code=504), False),
        (ServiceUnavailableException(error_code="CONNECTIONS_EXHAUSTED"), False),
        (RemoteAPIException("GET /", status_code=503, problem={"error_code": "CIRCUIT_OPEN"}), True),
    ],
)
def test_only_what_may_pass_is_tried_again(error: Any, expected: bool) -> None:
    """A passing failure is worth another attempt; what this client refused itself is not, a remote circuit is."""
    assert is_worth_retrying(error) is expected
