"""The values that all parts of a document share: durations, addresses, schemas, data flow, resources, events' members."""

from __future__ import annotations

import re
from typing import Any

from maestro_workflow_engine.dsl._node import kind_of
from maestro_workflow_engine.dsl.validation._authentication import authentication
from maestro_workflow_engine.dsl.validation._rules import (
    Check,
    Findings,
    Where,
    anything,
    by_type,
    integer,
    mapping,
    record,
    text,
)
from maestro_workflow_engine.dsl.validation._texts import is_expression, uri

_AMOUNT = r"(?:\d+(?:\.\d+)?{})?"
_DATE = "".join(_AMOUNT.format(unit) for unit in "YMWD")
_TIME = "".join(_AMOUNT.format(unit) for unit in "HMS")
_ISO_DURATION = re.compile(rf"P(?=\d|T\d){_DATE}(?:T(?=\d){_TIME})?", re.ASCII)
_UNITS = ("days", "hours", "minutes", "seconds", "milliseconds")


def duration_text(value: str, where: Where, findings: Findings) -> None:
    """Accept an ISO 8601 duration or an expression."""
    if not _ISO_DURATION.fullmatch(value) and not is_expression(value):
        message = f"{value!r} is no duration: write ISO 8601 such as PT30S, or units such as {{seconds: 30}}"
        findings.fault(where, "not-a-duration", message)


duration = by_type(duration_text, record("a duration", dict.fromkeys(_UNITS, integer), at_least=1))


def expression(value: Any, where: Where, findings: Findings) -> None:
    """Accept an expression in `${ }` and nothing else."""
    if type(value) is not str:
        findings.wrong_type(where, "an expression in ${ }", value)
    elif not is_expression(value):
        findings.fault(where, "not-an-expression", f"must be an expression in ${{ }}, not the text {value!r}")


def uri_or_expression(value: Any, where: Where, findings: Findings) -> None:
    """Accept a URI template, or an expression that gives one."""
    if type(value) is not str or not is_expression(value):
        uri(value, where, findings)


endpoint = by_type(
    uri_or_expression,
    record("an endpoint", {"uri": uri_or_expression, "authentication": authentication}, ("uri",)),
)

resource = record("an external resource", {"name": text, "endpoint": endpoint}, ("endpoint",))

schema = record(
    "a schema",
    {"format": text, "document": anything, "resource": resource},
    exactly_one=[("document", "resource")],
)


def transformation(value: Any, where: Where, findings: Findings) -> None:
    """Accept an expression, or a mapping with expressions in it."""
    if type(value) is not str and type(value) is not dict:
        findings.wrong_type(where, "an expression or a mapping", value)


data_in = record("'input'", {"schema": schema, "from": transformation})
data_out = record("'output'", {"schema": schema, "as": transformation})
export = record("'export'", {"schema": schema, "as": transformation})

timeout = by_type(text, record("a timeout", {"after": duration}, ("after",)))
timeout_definition = record("a timeout", {"after": duration}, ("after",))
catalog = record("a catalog", {"endpoint": endpoint}, ("endpoint",))


def texts_or_expression(value: Any, where: Where, findings: Findings) -> None:
    """Accept a mapping of names to text, or an expression that gives one."""
    if type(value) is dict:
        for key, one in value.items():
            text(one, (where, key), findings)
            if type(one) in {int, float, bool}:
                findings[-1] = findings[-1]._replace(hint=f"put quotes around it: '{str(one).lower()}'")
    elif type(value) is str:
        expression(value, where, findings)
    else:
        findings.wrong_type(where, "a mapping of names to text, or an expression in ${ }", value)


def text_or_mapping(value: Any, where: Where, findings: Findings) -> None:
    """Accept a mapping, or text (an expression) that gives one."""
    if type(value) is not str:
        mapping(value, where, findings)


def filled_mapping_or_text(what: str) -> Check:
    """Accept a mapping that is not empty, or text (an expression) that gives one."""

    def check(value: Any, where: Where, findings: Findings) -> None:
        if type(value) is not str and type(value) is not dict:
            findings.fault(where, "wrong-type", f"must be a mapping or an expression in ${{ }}, not {kind_of(value)}")
        elif value == {}:
            findings.fault(where, "empty", f"{what} is empty; name at least one member")

    return check
