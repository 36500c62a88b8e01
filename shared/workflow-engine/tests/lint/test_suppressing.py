from __future__ import annotations

import pytest

from maestro_workflow_engine.lint import lint_source

HEAD = "import time\nfrom maestro_workflow_engine import workflow\n"


def codes(text: str) -> list[str]:
    return [each.code for each in lint_source(HEAD + text)]


@pytest.mark.parametrize(
    "body",
    [
        "    time.sleep(1)  # deterministic: takes no time in this build\n",
        "    time.sleep(1)  # noqa: ASYNC251  # deterministic: takes no time\n",
        "    time.sleep(1)  # deterministic: takes no time  # noqa: ASYNC251\n",
        "    time.sleep(1)  # deterministic[MWF102]: takes no time\n",
        "    time.sleep(1)  # deterministic[MWF101, MWF102]: takes no time\n",
        "    # deterministic: takes no time\n    time.sleep(1)\n",
        "    # deterministic: takes no time,\n    # as everybody knows\n    time.sleep(1)\n",
        "    x = [\n        time.sleep(1),\n    ]  # deterministic: takes no time\n",
        "    x = [  # deterministic: takes no time\n        time.sleep(1),\n    ]\n",
    ],
)
def test_a_reason_silences(body):
    """A comment with a reason on the line, at either end of the statement or right above it silences the rule."""
    assert codes(f"@workflow\nasync def flow():\n{body}") == []


@pytest.mark.parametrize(
    "body",
    [
        "    time.sleep(1)  # deterministic\n",
        "    time.sleep(1)  # deterministic[MWF101]: about another rule\n",
        "    # deterministic: about the next line only\n    pass\n    time.sleep(1)\n",
        "    time.sleep(1)\n    pass  # deterministic: about this line\n",
        "    if True:  # deterministic: about the condition\n        time.sleep(1)\n",
        "    text = '# deterministic: no comment'; time.sleep(1)\n",
    ],
)
def test_other_comments_do_not(body):
    """Without a reason, about another rule or beside another line, a comment silences nothing."""
    assert codes(f"@workflow\nasync def flow():\n{body}") == ["MWF102"]


def test_a_missing_reason_is_a_finding():
    """A suppression without its reason silences nothing and is named itself."""
    assert codes("@workflow\nasync def flow():\n    time.sleep(1)  # deterministic:\n") == ["MWF102", "MWF901"]


def test_a_function_can_be_declared_deterministic():
    """On a def the comment is about the whole function and what it calls; other ways to the same place still count."""
    text = (
        "def inner(): time.sleep(1)\n"
        "def outer():  # deterministic: only ever called in tests\n    inner()\n    time.sleep(1)\n"
        "@workflow\nasync def flow():\n    outer()\n"
    )
    assert codes(text) == []
    assert codes(f"{text}    inner()\n") == ["MWF102"]


def test_a_call_can_be_declared_deterministic():
    """On a call the comment keeps the check from following it; other calls of the same function are followed."""
    text = "def inner(): time.sleep(1)\n@workflow\nasync def flow():\n    inner()  # deterministic: does nothing from here\n"
    assert codes(text) == []
    assert codes(f"{text}    inner()\n") == ["MWF102"]
