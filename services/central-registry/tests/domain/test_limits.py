from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from central_registry.domain import Fault, InvalidRegistrationError, Limits, Registration

GOOD = Registration(
    service="intelligence-service",
    instance_id="0f3a-1.b_2",
    url="http://127.0.0.1:8000",
    version="1.0.0",
    metadata={"zone": "a"},
    lease=timedelta(seconds=10),
    registered_at=datetime(2026, 1, 1, tzinfo=UTC),
)
LIMITS = Limits(min_lease=timedelta(seconds=1), max_lease=timedelta(seconds=60), max_metadata_bytes=10)


def faults(**changes: Any) -> tuple[Fault, ...]:
    try:
        LIMITS.check(replace(GOOD, **changes))
    except InvalidRegistrationError as error:
        return error.faults
    return ()


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"service": "a"},
        {"service": "a" * 63},
        {"service": "9-lives"},
        {"url": "https://service.example/base/path"},
        {"url": "http://[::1]:8000"},
        {"version": "1.0.0rc1+build.5"},
        {"lease": timedelta(seconds=1)},
        {"lease": timedelta(seconds=60)},
        {"metadata": {"a": "123456789"}},
        {"metadata": {}},
    ],
)
def test_good_registrations_pass(changes: dict[str, Any]) -> None:
    """A registration at the edge of what is allowed passes."""
    assert faults(**changes) == ()


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("name", {"service": ""}),
        ("name", {"service": "a" * 64}),
        ("name", {"service": "Echo"}),
        ("name", {"service": "-echo"}),
        ("name", {"service": "echo-"}),
        ("name", {"service": "echo.service"}),
        ("name", {"service": "echo\n"}),
        ("instance_id", {"instance_id": ""}),
        ("instance_id", {"instance_id": "../../etc"}),
        ("instance_id", {"instance_id": "a" * 129}),
        ("version", {"version": ""}),
        ("version", {"version": "1.0 beta"}),
        ("url", {"url": ""}),
        ("url", {"url": "127.0.0.1:8000"}),
        ("url", {"url": "ftp://host/"}),
        ("url", {"url": "file:///etc/passwd"}),
        ("url", {"url": "http://"}),
        ("url", {"url": "http://:80"}),
        ("url", {"url": "http://host:0"}),
        ("url", {"url": "http://host:99999"}),
        ("url", {"url": "http://host:port"}),
        ("url", {"url": "http://[::1"}),
        ("url", {"url": "http://user:secret@host"}),
        ("url", {"url": "http://host/?a=b"}),
        ("url", {"url": "http://host/#part"}),
        ("url", {"url": "http://host/ space"}),
        ("url", {"url": "http://host\r\nx: y"}),
        ("url", {"url": "http://h\N{LATIN SMALL LETTER O WITH DIAERESIS}st"}),
        ("url", {"url": "http://host/" + "a" * 2_048}),
        ("lease_s", {"lease": timedelta(seconds=0.999)}),
        ("lease_s", {"lease": timedelta(seconds=60.001)}),
        ("lease_s", {"lease": timedelta(seconds=-10)}),
        ("metadata", {"metadata": {"a": "1234567890"}}),
        ("metadata", {"metadata": {"\N{GREEK SMALL LETTER ALPHA}" * 5: "1"}}),
        ("metadata", {"metadata": {"a": "\ud800"}}),
    ],
)
def test_bad_registrations_name_the_field(field: str, changes: dict[str, Any]) -> None:
    """A registration that breaks one rule is refused with one fault, which names the field."""
    assert [fault.field for fault in faults(**changes)] == [field]


def test_all_faults_are_named_at_once() -> None:
    """A registration that breaks several rules gets all faults in one answer."""
    found = faults(service="", instance_id="", version="", url="", lease=timedelta(0), metadata={"a": "b" * 10})
    assert [fault.field for fault in found] == ["name", "instance_id", "version", "url", "lease_s", "metadata"]


def test_the_message_of_a_fault_holds_no_secret() -> None:
    """The password that someone put into an address is not repeated in the error."""
    (fault,) = faults(url="http://user:hunter2@host")
    assert "hunter2" not in fault.message


def test_a_lease_fault_names_the_bounds() -> None:
    """A lease out of bounds is answered with the bounds and their unit."""
    (fault,) = faults(lease=timedelta(hours=1))
    assert "1 s to 60 s" in fault.message
