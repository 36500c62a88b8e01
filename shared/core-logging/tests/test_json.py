from __future__ import annotations

import enum
import json
import uuid
from collections import OrderedDict, UserDict, namedtuple
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs
import msgspec
import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.trace import TracerProvider
from pydantic import BaseModel, SecretStr

from maestro_core_logging import get_logger
from maestro_core_logging._json import render_json

Pair = namedtuple("Pair", "left right")


class Colour(enum.Enum):
    RED = "red"


class Login(BaseModel):
    user: str
    password: str
    pin: SecretStr


@dataclass
class Key:
    owner: str
    api_key: str


class Nameless:
    def __str__(self) -> str:
        raise RuntimeError("no name")


def test_a_line_carries_every_standard_key_in_a_fixed_order(lines: Any) -> None:
    """Timestamp in UTC with microseconds, level, logger, service, environment, version, event, then the fields."""
    with time_machine.travel(datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC), tick=False):
        get_logger("shop.orders").info("Order placed", order_id=17)
    assert lines.getvalue() == (
        '{"timestamp":"2026-01-02T03:04:05.000006Z","level":"info","logger":"shop.orders","service":"shop-service",'
        '"environment":"development","version":"1.2.3","event":"Order placed","order_id":17}\n'
    )


def test_a_timestamp_always_has_six_digits(lines: Any) -> None:
    """The text of timestamps sorts as time does, on the full second too."""
    with time_machine.travel(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), tick=False):
        get_logger("x").info("Now")
    assert lines.one()["timestamp"] == "2026-01-02T03:04:05.000000Z"


def test_a_logger_without_a_name_has_the_service_s(lines: Any) -> None:
    """Every line says which logger wrote it."""
    get_logger().info("Here")
    assert lines.one()["logger"] == "shop-service"


def test_lines_carry_the_current_trace(lines: Any) -> None:
    """Trace and span ids come from the current OpenTelemetry span; without one they are absent."""
    logger = get_logger("x")
    with TracerProvider().get_tracer("test").start_as_current_span("work") as span:
        logger.info("inside")
    logger.info("outside")
    inside, outside = lines.json()
    assert inside["trace_id"] == format(span.get_span_context().trace_id, "032x")
    assert inside["span_id"] == format(span.get_span_context().span_id, "016x")
    assert "trace_id" not in outside
    assert "span_id" not in outside


def test_a_caller_s_fields_are_kept_when_their_names_are_taken(lines: Any) -> None:
    """What a line says of itself cannot be forged, and the caller's value is not lost; the service's name may be a field."""
    get_logger("x").bind(timestamp=1).info(
        "Deploying", level=2, event="e", exception="f", logger="g", service="billing"
    )
    line = lines.one()
    assert (line["level"], line["event"], line["logger"]) == ("info", "Deploying", "x")
    assert "exception" not in line
    assert (line["timestamp_"], line["level_"], line["event_"], line["exception_"], line["logger_"]) == (
        1,
        2,
        "e",
        "f",
        "g",
    )
    assert line["service"] == "billing"


def test_an_event_stays_on_one_line(lines: Any) -> None:
    """Text with line ends cannot forge a second line."""
    get_logger().info('x\n{"event": "forged"}\u2028', field="a\r\nb")
    assert lines.one()["field"] == "a\r\nb"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (Path("/a"), "/a"),
        (Decimal("1.50"), "1.50"),
        (uuid.UUID(int=1), str(uuid.UUID(int=1))),
        (datetime(2026, 1, 2, tzinfo=UTC), "2026-01-02T00:00:00Z"),
        (date(2026, 1, 2), "2026-01-02"),
        (timedelta(seconds=1.5), 1.5),
        (Colour.RED, "red"),
        (b"a\xff", "a\\xff"),
        ({3}, [3]),
        ((1, 2), [1, 2]),
        (Pair(1, 2), [1, 2]),
        (OrderedDict(a=1), {"a": 1}),
        (UserDict(a=1), {"a": 1}),
        ({1: "a", None: "b"}, {"1": "a", "None": "b"}),
        (2**70, str(2**70)),
        (-(2**63) - 1, str(-(2**63) - 1)),
        (float("nan"), None),
        ("half \ud800", "half \\ud800"),
        ({"half \ud800": 1}, {"half \\ud800": 1}),
        (ValueError("no"), "ValueError: no"),
        (int, "<class 'int'>"),
        ({"n": {2**70: {1}}}, {"n": {str(2**70): [1]}}),
        (Nameless(), None),
    ],
)
def test_every_value_has_a_form(lines: Any, value: object, shown: object) -> None:
    """What JSON does not know is shown as text; logging an odd object is no error."""
    get_logger().info("odd", value=value)
    found = lines.one()["value"]
    if isinstance(value, Nameless):
        assert found == "<Nameless that cannot be shown: RuntimeError>"
    else:
        assert found == shown


def test_what_contains_itself_is_cut_off(lines: Any) -> None:
    """A circle is no endless line."""
    circle: dict[str, Any] = {"a": 1}
    circle["self"] = [circle]
    get_logger().info("round", circle=circle)
    assert lines.one()["circle"] == {"a": 1, "self": ["…"]}


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (
            Login(user="u", password="hunter2", pin=SecretStr("1234")),
            {"user": "u", "password": "**********", "pin": "**********"},
        ),
        (Key("o", "hunter2"), {"owner": "o", "api_key": "**********"}),
        ([Key("o", "hunter2")], [{"owner": "o", "api_key": "**********"}]),
    ],
)
def test_models_and_dataclasses_show_their_fields_without_secrets(lines: Any, value: object, shown: object) -> None:
    """An object with named parts is looked into like a mapping."""
    get_logger().info("object", value=value)
    assert lines.one()["value"] == shown


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters())
    | st.binary(max_size=5)
    | st.dates(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.characters()) | st.integers(), inner, max_size=3)
        | st.tuples(inner)
    ),
    max_leaves=8,
)


@given(
    event=st.text(st.characters()),
    fields=st.dictionaries(st.text(st.characters(), min_size=1), json_values, max_size=4),
)
def test_whatever_is_logged_is_one_line_of_json(event: str, fields: dict[str, Any]) -> None:
    """Rendering never fails and never gives two lines."""
    line = {**fields, "timestamp": datetime.now(UTC), "level": "info", "event": event}
    rendered = render_json(line)
    assert rendered.endswith(b"\n")
    assert rendered.count(b"\n") == 1
    assert json.loads(rendered)["level"] == "info"


def test_structs_and_attrs_classes_are_looked_into(lines: Any) -> None:
    """Like dataclasses."""

    class Login(msgspec.Struct):
        user: str
        password: str

    @attrs.define
    class Account:
        owner: str
        api_key: str

    get_logger().info("object", value=Login("u", "hunter2"), other=[Account("o", "hunter2")])
    assert lines.one()["value"] == {"user": "u", "password": "**********"}
    assert lines.one()["other"] == [{"owner": "o", "api_key": "**********"}]


def test_size_is_bounded(lines: Any) -> None:
    """A whole table or file that is logged by accident does not fill the disk; what is missing is told."""
    deep: list[Any] = []
    for _ in range(100):
        deep = [deep]
    get_logger().info(
        "big", text="x" * 200_000, rows=list(range(5_000)), map={str(n): n for n in range(2_000)}, deep=deep
    )
    line = lines.one()
    assert line["text"] == "x" * 100_000 + "… (+100,000 characters)"
    assert (len(line["rows"]), line["rows"][-1]) == (1_001, "… 4,000 more")
    assert (len(line["map"]), line["map"]["…"]) == (1_001, "1,000 more")
    assert json.dumps(line["deep"]).count("[") == 20


def test_huge_numbers_are_shown(lines: Any) -> None:
    """Python refuses to write thousands of decimal digits."""
    get_logger().info("big", value=10**5_000)
    assert lines.one()["value"].startswith("0x")
