from datetime import UTC, datetime

import pytest

from maestro.domain.attribute_terms import read_terms
from maestro.domain.errors import InvalidRequestError
from maestro_workflow_engine import between, one_of, prefix

MAY = datetime(2026, 5, 4, 13, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("acme", one_of("acme")),
        ("", one_of("")),
        ("a:b=c", one_of("a:b=c")),
        ("7", one_of("7", 7)),
        ("-7.50", one_of("-7.50", -7.5)),
        ("1e3", one_of("1e3", 1000.0)),
        ("99999999999999999999", one_of("99999999999999999999", 1e20)),
        ("1e999", one_of("1e999")),
        ("٣", one_of("٣")),
        ("true", one_of("true", True)),
        ("2026-05-04T13:02:00Z", one_of("2026-05-04T13:02:00Z", MAY)),
        ("2026-05-04", one_of("2026-05-04")),
        ('"7"', one_of("7")),
        ('"acme*"', one_of("acme*")),
        ('"1..2"', one_of("1..2")),
        ("100..200", between(100, 200)),
        ("100..", between(100, None)),
        ("..2.5", between(None, 2.5)),
        ("2026-05-04T13:02:00Z..2026-06-01", between(MAY, datetime(2026, 6, 1, tzinfo=UTC))),
        ("..", one_of("..")),
        ("a..b", one_of("a..b")),
        ("1..b", one_of("1..b")),
        ("acme*", prefix("acme")),
        ('"a*"*', prefix("a*")),
        ("*", one_of("*")),
    ],
)
def test_a_value_means_whatever_it_can_be_read_as(text: str, meaning: object) -> None:
    """Texts, numbers, truth values, times, ranges and beginnings are read as a person means them."""
    assert dict(read_terms([f"name:{text}"]).attributes) == {"name": meaning}


def test_conditions_on_several_names_all_hold() -> None:
    """Each name has its own condition, and values of one name are alternatives."""
    read = read_terms(["customer:acme", "amount:100..", "customer:7"]).attributes
    assert dict(read) == {"customer": one_of("acme", "7", 7), "amount": between(100, None)}
    assert dict(read_terms([]).attributes) == {}


@pytest.mark.parametrize(
    ("terms", "says"),
    [
        (["customer"], "name:value"),
        (["no name:1"], "a name has up to 64 letters"),
        ([":1"], "a name has up to 64 letters"),
        (["a:1..2", "a:3"], "already"),
        (["a:3", "a:1..2"], "already"),
        (["a:x*", "a:y*"], "already"),
        (['a:"open'], "begins with a quote"),
        (['a:"open*'], "begins with a quote"),
        (["a:1..2026-05-04"], "two numbers"),
        (["a:" + "x" * 2_000], "at most 1,024"),
        ([f"a:{number}" for number in range(101)], "1 to 100"),
    ],
)
def test_what_is_no_condition_is_refused(terms: list[str], says: str) -> None:
    """A term that cannot be read, or does not go with another, is named with what to do."""
    with pytest.raises(InvalidRequestError) as caught:
        read_terms(terms)
    assert says in str(caught.value)
