from datetime import datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Annotated, Literal
from uuid import UUID

import pytest
from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypeAliasType

from maestro_core_messaging import (
    Event,
    EventType,
    IncompatibleEventError,
    InvalidSubscriptionError,
    incompatibilities,
    read_as,
)


class PaidV1(BaseModel):
    order: str
    cents: int


class PaidV2(BaseModel):
    order: str
    cents: int
    currency: str = "EUR"


class Amount(BaseModel):
    value: int
    currency: str


class PaidV3(BaseModel):
    order: str
    amount: Amount


def _up(data):
    return {"order": data["order"], "amount": {"value": data["cents"], "currency": data.get("currency", "EUR")}}


def _down(data):
    return {"order": data["order"], "cents": data["amount"]["value"], "currency": data["amount"]["currency"]}


NAME = "orders.order.paid"
V1 = EventType(NAME, 1, PaidV1)
V2 = EventType(NAME, 2, PaidV2)
V3 = EventType(NAME, 3, PaidV3, upcasters={2: _up})
V1_AFTER_V3 = EventType(NAME, 1, PaidV1, downcasters={3: _down})


def written(event_type, data):
    return Event(id="1", source="/orders", type=event_type.subject, data=data, dataschema=event_type.schema_uri)


def test_a_consumer_of_version_1_reads_version_2_that_only_adds() -> None:
    """What it does not know is left out, and the event says that it is version 1."""
    event = read_as(written(V2, {"order": "17", "cents": 5, "currency": "CHF"}), V1)
    assert (event.data, event.version) == (PaidV1(order="17", cents=5), 1)


def test_old_events_are_brought_up_step_by_step() -> None:
    """Version 1 becomes 2 as it is, and 3 by the converter."""
    event = read_as(written(V1, {"order": "17", "cents": 5}), V3)
    assert event.data == PaidV3(order="17", amount=Amount(value=5, currency="EUR"))


def test_new_events_are_brought_down_where_there_is_a_way() -> None:
    """A consumer of version 1 gets version 1 although 3 is published."""
    sent = {"order": "17", "amount": {"value": 5, "currency": "CHF"}}
    assert read_as(written(V3, sent), V1_AFTER_V3).data == PaidV1(order="17", cents=5)


def test_without_a_way_the_error_names_both_versions_and_the_place() -> None:
    """Values are not told: they may be secret."""
    with pytest.raises(IncompatibleEventError) as caught:
        read_as(written(V3, {"order": "secret", "amount": {"value": 5, "currency": "CHF"}}), V1)
    assert (caught.value.version, caught.value.wanted) == (3, 1)
    assert caught.value.problems == ("cents: Field required",)
    assert "secret" not in str(caught.value)


def test_a_converter_that_fails_makes_the_event_incompatible() -> None:
    """Its exception is the cause."""
    with pytest.raises(IncompatibleEventError, match="converter from version 2 failed: KeyError") as caught:
        read_as(written(V1, {"order": "17"}), V3)
    assert isinstance(caught.value.__cause__, KeyError)


def test_a_version_out_of_all_proportion_costs_nothing() -> None:
    """A number from outside does not make the consumer loop."""
    event = Event(id="1", source="/orders", type=V1.subject, data={}, dataschema=f"urn:maestro:event:{NAME}:{10**15}")
    with pytest.raises(IncompatibleEventError, match="out of all proportion"):
        read_as(event, V1)


def test_an_event_without_a_version_is_taken_for_the_wanted_one() -> None:
    """Foreign senders name no schema of ours."""
    event = Event(
        id="1", source="x", type=V2.subject, data={"order": "17", "cents": 5}, dataschema="https://example.org/s"
    )
    assert read_as(event, V2).data.currency == "EUR"


def test_strict_models_read_what_json_has_as_text() -> None:
    """Times and identifiers are text in JSON, and strict models take them."""

    class Strict(BaseModel):
        model_config = ConfigDict(strict=True)
        id: UUID
        at: datetime

    strict = EventType("orders.order.seen", 1, Strict)
    data = {"id": "12345678-1234-5678-1234-567812345678", "at": "2026-01-02T03:04:05Z"}
    assert read_as(written(strict, data), strict).data.at.year == 2026


@pytest.mark.parametrize(
    "name", ["orders", "maestro.orders.paid", "Orders.Paid", "orders.*", "orders..paid", "orders.>", ""]
)
def test_names_that_are_no_subjects_are_refused(name) -> None:
    """The error shows how one looks."""
    with pytest.raises(InvalidSubscriptionError, match=r"orders\.order\.paid"):
        EventType(name, 1, PaidV1)


def test_versions_begin_with_1() -> None:
    """Zero is none."""
    with pytest.raises(InvalidSubscriptionError, match="begin with 1"):
        EventType(NAME, 0, PaidV1)


def test_adding_what_has_a_default_is_compatible() -> None:
    """Version 2 can be read by consumers of 1, and the other way round."""
    assert incompatibilities(V1, V2) == []


def test_what_breaks_a_consumer_is_named_with_its_place() -> None:
    """Both directions; a direction that has a converter is not looked at."""
    assert [(each.reader, each.writer, each.path) for each in incompatibilities(V2, V3)] == [(2, 3, "cents")]
    assert incompatibilities(EventType(NAME, 2, PaidV2, downcasters={3: _down}), V3) == []
    plain = EventType(NAME, 3, PaidV3)
    problems = incompatibilities(V2, plain)
    assert {(each.reader, each.path) for each in problems} == {(3, "amount"), (2, "cents")}
    assert str(problems[0]) == (
        "a consumer of version 3 cannot read version 2: amount: it is required, and is not there"
    )


class Color(Enum):
    RED = "red"
    BLUE = "blue"


class OldColor(Enum):
    RED = "red"


def _types(old_field, new_field, **options):
    namespace = {"__annotations__": {"field": old_field}, "__module__": __name__}
    old = type("Old", (BaseModel,), namespace)
    new = type("New", (BaseModel,), {"__annotations__": {"field": new_field}, "__module__": __name__, **options})
    return EventType(NAME, 1, old), EventType(NAME, 2, new)


@pytest.mark.parametrize(
    ("old", "new", "readers"),
    [
        (int, float, [1]),
        (int, str, [1, 2]),
        (Literal["a", "b"], Literal["a", "b", "c"], [1]),
        (Literal["a", "b"], Literal["a"], [2]),
        (str, Literal["a"], [2]),
        (int, int | None, [1]),
        (int | None, int, [2]),
        (list[int], list[str], [1, 2]),
        (dict[str, int], dict[str, int], []),
        (Amount, Amount, []),
        (list[Amount], list[Amount | None], [1]),
        (datetime, str, [1]),
        (int | str, str | int, []),
        (dict[str, int], dict[str, str], [1, 2]),
        (dict[str, int], dict[str, int | None], [1]),
        (dict[str, dict[str, int]], dict[str, dict[str, bool]], [1, 2]),
        (dict[Literal["a", "b"], int], dict[Literal["a"], int], [2]),
        (dict[Literal["a"], int], dict[str, int], [1]),
        (tuple[int, str], tuple[str, str], [1, 2]),
        (tuple[int, str], tuple[int, str], []),
        (tuple[int, int], list[int], [1]),
        (tuple[int, ...], list[int], []),
        (list, list[int], [2]),
        (set[int], list[int], []),
        (str, Annotated[str, Field(pattern="^a")], [2]),
        (Annotated[str, Field(pattern="^a")], Annotated[str, Field(pattern="^a")], []),
        (int, Annotated[int, Field(ge=1)], [2]),
        (Annotated[int, Field(ge=1, le=9)], Annotated[int, Field(ge=2, le=8)], [2]),
        (Annotated[list[int], Field(max_length=5)], Annotated[list[int], Field(max_length=4)], [2]),
        (Annotated[int, Field(multiple_of=2)], Annotated[int, Field(multiple_of=4)], [2]),
        (Annotated[dict[str, int], Field(min_length=1)], dict[str, int], [1]),
        (list[Color], list[OldColor], [2]),
        (list[OldColor] | None, list[Color] | None, [1]),
        (Decimal, Decimal, []),
        (timedelta, timedelta, []),
        (bytes, bytes, []),
        (UUID | None, UUID | None, []),
    ],
)
def test_types_are_compared_in_both_directions(old, new, readers) -> None:
    """`readers` are the versions whose consumers cannot read the other one."""
    found = incompatibilities(*_types(old, new))
    assert sorted({each.reader for each in found}) == readers


def test_forbidding_what_is_not_known_breaks_with_every_addition() -> None:
    """A consumer that forbids unknown fields cannot read a version that adds one."""

    class Closed(BaseModel):
        model_config = ConfigDict(extra="forbid")
        order: str
        cents: int

    (problem,) = incompatibilities(EventType(NAME, 1, Closed), V2)
    assert (problem.reader, problem.path) == (1, "currency")


def test_the_same_model_at_several_places_is_compared_at_each() -> None:
    """What one place takes says nothing about another."""

    class Colored(BaseModel):
        near: Color
        far: Color

    class Narrow(BaseModel):
        near: Literal["red", "blue"]
        far: Literal["red"]

    (problem,) = incompatibilities(EventType(NAME, 1, Colored), EventType(NAME, 2, Narrow))
    assert (problem.reader, problem.path) == (2, "far")


def test_a_writer_that_lets_anything_through_breaks_one_that_forbids_it() -> None:
    """What comes besides the known fields is told as a star."""

    class Open(BaseModel):
        model_config = ConfigDict(extra="allow")
        order: str

    class Closed(BaseModel):
        model_config = ConfigDict(extra="forbid")
        order: str

    (problem,) = incompatibilities(EventType(NAME, 1, Open), EventType(NAME, 2, Closed))
    assert (problem.reader, problem.path) == (2, "*")


def test_aliases_of_aliases_are_followed() -> None:
    """However many names lead to a type."""
    inner = TypeAliasType("Inner", int)
    middle = TypeAliasType("Middle", inner)
    outer = TypeAliasType("Outer", middle)
    assert [each.reader for each in incompatibilities(*_types(str, outer))] == [2, 1]
    assert incompatibilities(*_types(int, outer)) == []


def test_models_that_contain_themselves_are_compared() -> None:
    """A tree of one version is compared with a tree of the next, and the comparison ends."""

    class Tree(BaseModel):
        name: str
        children: list["Tree"] = []

    assert incompatibilities(EventType(NAME, 1, Tree), EventType(NAME, 2, Tree)) == []


def test_different_events_are_no_versions() -> None:
    """Comparing them is a mistake."""
    with pytest.raises(ValueError, match="different events"):
        incompatibilities(V1, EventType("orders.order.sent", 2, PaidV1))
