import json
from typing import Any

import jq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maestro_workflow_engine.dsl._comparison import plain_comparison
from maestro_workflow_engine.dsl._paths import PathError

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(-1e6, 1e6)
    | st.text("aZé\U0001f600", max_size=3)
)
VALUES = SCALARS | st.sampled_from([0, 1, -1, 0.5, 1.0, "", "a"]) | st.lists(SCALARS, max_size=2)
CONSTANTS = st.sampled_from(["null", "true", "false", "0", "1", "-1", "0.5", "1.0", "100", '"a"', '""', '"é"', '"b c"'])
SIGNS = st.sampled_from(["==", "!=", "<", "<=", ">", ">="])


@settings(deadline=None)
@given(value=VALUES, sign=SIGNS, constant=CONSTANTS, data=st.booleans(), space=st.sampled_from(["", " "]))
def test_comparisons_mean_what_jq_means(value: Any, sign: str, constant: str, data: bool, space: str) -> None:
    """A path compared with a constant gives what jq gives, for values of every kind, and fails where jq fails."""
    text = f"{'.a' if data else '$item.a'}{space}{sign}{space}{constant}"
    comparison = plain_comparison(text)
    assert comparison is not None
    for whole in ({"a": value}, value):
        try:
            expected = jq.compile(text, args={"item": whole}).input_text(json.dumps(whole)).first()
        except ValueError:
            with pytest.raises(PathError):
                comparison.evaluate(whole, {"item": whole})
        else:
            assert comparison.evaluate(whole, {"item": whole}) is expected


@pytest.mark.parametrize(
    "text",
    [
        ".a == .b",
        ".a > 1 and .b",
        ".a | . > 1",
        "1 < .a",
        '.a == "x\\n"',
        ".a > 12345678901234567890",
        ".a[0] > 1",
        ".a > 01",
        ".a = 1",
        "a > 1",
    ],
)
def test_anything_more_is_left_to_jq(text: str) -> None:
    """Only a plain path and a plain constant take the short way."""
    assert plain_comparison(text) is None
