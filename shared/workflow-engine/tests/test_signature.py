"""Arguments are read in one go where all are there, one by one elsewhere; nobody can tell which."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
from pydantic import BaseModel

from maestro_workflow_engine import PayloadError
from maestro_workflow_engine._signature import Signature


class Order(BaseModel):
    id: int
    lines: list[str] = []


@dataclass
class Address:
    street: str
    number: int = 1


def nothing() -> None: ...
def one(n: int) -> None: ...
def optional(order: Order | None = None) -> None: ...
def several(order: Order, to: Address, at: datetime, within: timedelta) -> None: ...
def defaults(n: int, text: str = "x", items: list[int] = []) -> None: ...  # noqa: B006
def keywords(n: int, *, text: str = "x") -> None: ...
def plain(a, b) -> None: ...
def odd(_: int, from_: dict[str, Any], self: tuple[int, str]) -> None: ...
def sets(a: set[int] | None, b: frozenset[str]) -> None: ...


@pytest.mark.parametrize(
    ("func", "json"),
    [
        (nothing, "null"),
        (one, "17"),
        (optional, "null"),
        (optional, '{"id": 1}'),
        (
            several,
            '{"order": {"id": 1, "lines": ["a"]}, "to": {"street": "s"}, "at": "2026-01-02T03:04:05Z", "within": "PT1H"}',
        ),
        (defaults, '{"n": 1}'),
        (defaults, '{"n": 1, "text": "y"}'),
        (defaults, '{"items": [1], "text": "y", "n": 1}'),
        (keywords, '{"n": 1, "text": "y"}'),
        (plain, '{"a": null, "b": [1, {"c": 2}]}'),
        (odd, '{"_": 1, "from_": {"a": 1}, "self": [1, "b"]}'),
        (sets, '{"a": [1, 1], "b": []}'),
    ],
)
def test_both_ways_read_the_same(func: Callable[..., Any], json: str):
    signature, raw = Signature(func), msgspec.Raw(json.encode())
    args, kwargs = signature.decode(raw)
    if signature.parameters:
        assert (args, kwargs) == signature._decode_each(raw)
    else:
        assert (args, kwargs) == ((), {})


@pytest.mark.parametrize(
    ("func", "json", "complaint"),
    [
        (one, '"x"', "does not fit int"),
        (
            several,
            '{"order": {"id": "one"}, "to": {"street": "s"}, "at": "2026-01-02T03:04:05Z", "within": "PT1H"}',
            "Order",
        ),
        (defaults, "{}", "needs 'n'"),
        (defaults, '{"n": 1, "m": 2, "k": 3}', "does not take 'm', 'k'"),
        (defaults, "[1]", "does not fit dict"),
        (plain, '{"a": 1}', "needs 'b'"),
    ],
)
def test_what_does_not_fit_is_named(func: Callable[..., Any], json: str, complaint: str):
    with pytest.raises(PayloadError, match=complaint):
        Signature(func).decode(msgspec.Raw(json.encode()))


def test_a_validator_of_a_models_own_is_asked_on_either_way():
    class Even(BaseModel):
        n: int

        def model_post_init(self, _context: object) -> None:
            if self.n % 2:
                raise ValueError("odd")

    def takes(a: Even, b: int) -> None: ...

    takes.__annotations__["a"] = Even
    signature = Signature(takes)
    assert signature.decode(msgspec.Raw(b'{"a": {"n": 2}, "b": 1}')) == ((Even(n=2), 1), {})
    with pytest.raises(PayloadError, match="odd"):
        signature.decode(msgspec.Raw(b'{"a": {"n": 1}, "b": 1}'))


@pytest.mark.parametrize("func", [one, several, keywords])
def test_arguments_by_name_are_written_as_those_by_position(func: Callable[..., Any]) -> None:
    """All arguments by name, in whatever order, give the JSON that history shows for any other call."""
    signature = Signature(func)
    given = {parameter.name: index for index, parameter in enumerate(signature.parameters)}
    by_name = bytes(signature.encode((), dict(reversed(given.items()))))
    assert by_name == msgspec.json.encode(given if len(given) > 1 else 0)


def test_a_parameter_without_a_name_cannot_be_given_by_name() -> None:
    """What Python refuses is refused here."""

    def first(n: int, /) -> None: ...

    with pytest.raises(PayloadError):
        Signature(first).encode((), {"n": 1})
