import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance_service.audit.domain import NotCanonicalError, canonical

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(VALUES)
def test_the_text_means_the_value_and_only_it(value: Any) -> None:
    """What is written reads back as the same value where all numbers are floats, and is written in the same way again."""
    text = canonical(value)
    read = json.loads(text, parse_int=float)
    assert read == value
    assert canonical(read) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0.0, "0"),
        (-0.0, "0"),
        (5e-324, "5e-324"),
        (-5e-324, "-5e-324"),
        (1.7976931348623157e308, "1.7976931348623157e+308"),
        (9007199254740992.0, "9007199254740992"),
        (295147905179352830000.0, "295147905179352830000"),
        (9.999999999999997e22, "9.999999999999997e+22"),
        (1e23, "1e+23"),
        (1.0000000000000001e23, "1.0000000000000001e+23"),
        (999999999999999700000.0, "999999999999999700000"),
        (999999999999999900000.0, "999999999999999900000"),
        (1e21, "1e+21"),
        (9.999999999999997e-7, "9.999999999999997e-7"),
        (0.000001, "0.000001"),
        (333333333.3333332, "333333333.3333332"),
        (333333333.3333334, "333333333.3333334"),
        (-0.0000033333333333333333, "-0.0000033333333333333333"),
        (1424953923781206.2, "1424953923781206.2"),
        (1.5, "1.5"),
        (100.0, "100"),
    ],
)
def test_numbers_are_written_as_the_rfc_says(number: float, text: str) -> None:
    """The samples of RFC 8785, appendix B, come out as they stand there."""
    assert canonical(number) == text


def test_keys_are_ordered_by_their_utf_16_code_units() -> None:
    """The example of RFC 8785, 3.2.3 has its order, in which a character beyond the first plane comes before a later one in it."""
    keys = ["\u20ac", "\r", "\ufb33", "1", "\U0001f600", "\u0080", "\u00f6"]
    assert list(json.loads(canonical(dict.fromkeys(keys, 0)))) == [
        "\r",
        "1",
        "\u0080",
        "\u00f6",
        "\u20ac",
        "\U0001f600",
        "\ufb33",
    ]


def test_only_what_must_be_escaped_is_escaped() -> None:
    """Control characters, quotes and backslashes are escaped in the short form where there is one; nothing else is."""
    assert canonical('\u20ac$\u000f\nA\'B"\\\\"/\x7f') == '"\u20ac$\\u000f\\nA\'B\\"\\\\\\\\\\"/\x7f"'


@pytest.mark.parametrize(
    "value",
    [
        float("nan"),
        float("inf"),
        2**53 + 1,
        -(2**53) - 1,
        10**400,
        "\ud800",
        {1: 2},
        {"\udfff": 1},
        b"bytes",
        object(),
        {1, 2},
    ],
    ids=lambda value: repr(value) if type(value) is not object else "object",
)
def test_what_readers_do_not_agree_on_is_refused(value: Any) -> None:
    """No text is made of a value that another reader would take for something else."""
    with pytest.raises(NotCanonicalError):
        canonical(value)


def test_deep_nesting_is_refused() -> None:
    """A value that is nested deeper than any record needs is refused before Python's stack ends."""
    value: Any = 0
    for _ in range(5_000):
        value = [value]
    with pytest.raises(NotCanonicalError, match="levels"):
        canonical(value)
