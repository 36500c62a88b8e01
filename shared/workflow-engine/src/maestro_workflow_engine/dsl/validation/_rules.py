"""What a value may be: small checks that are put together once, when the module is loaded, and note every fault they find.

A check is a function of the value, where it stands and the findings. Where a value stands is a chain of pairs (parent,
key), so that a check of a document without faults builds no text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, TypeAlias

from maestro_workflow_engine.dsl._faults import suggest
from maestro_workflow_engine.dsl._node import kind_of
from maestro_workflow_engine.dsl._source import pointer

Where: TypeAlias = "tuple[Where, str | int] | None"
"""Parent and key; None for the whole document."""


class Finding(NamedTuple):
    """One thing that a check has noticed."""

    where: Where
    rule: str
    message: str
    hint: str | None = None
    warning: bool = False
    within: tuple[str, int, int] | None = None
    """Where it is inside a text that stands there: the text, line and column from 1; None for the value as a whole."""


class Findings(list[Finding]):
    """What the checks of one document have noticed.

    Attributes:
        dsl: The version of the DSL that the document says it is written in.
    """

    dsl: object = None

    def fault(self, where: Where, rule: str, message: str, hint: str | None = None) -> None:
        """Note a fault."""
        self.append(Finding(where, rule, message, hint))

    def warn(self, where: Where, rule: str, message: str, hint: str | None = None) -> None:
        """Note something that the standard allows and that is probably not meant."""
        self.append(Finding(where, rule, message, hint, warning=True))

    def wrong_type(self, where: Where, wanted: str, value: object) -> None:
        """Note that a value is of the wrong type."""
        self.fault(where, "wrong-type", f"must be {wanted}, not {kind_of(value)}")


Check: TypeAlias = Callable[[Any, Where, Findings], None]


def path_of(where: Where) -> str:
    """Return the JSON Pointer of a place."""
    if where is None:
        return ""
    parent, key = where
    return pointer(path_of(parent), key)


def anything(value: Any, where: Where, findings: Findings) -> None:
    """Accept any value."""


def text(value: Any, where: Where, findings: Findings) -> None:
    """Accept text."""
    if type(value) is not str:
        findings.wrong_type(where, "text", value)


def name(value: Any, where: Where, findings: Findings) -> None:
    """Accept text that is not empty."""
    text(value, where, findings)
    if value == "":
        findings.fault(where, "empty", "must not be empty")


def boolean(value: Any, where: Where, findings: Findings) -> None:
    """Accept true and false."""
    if type(value) is not bool:
        findings.wrong_type(where, "true or false", value)


def integer(value: Any, where: Where, findings: Findings) -> None:
    """Accept whole numbers; 2.0 is one, as in JSON Schema."""
    if type(value) is int or (type(value) is float and value.is_integer()):
        return
    if type(value) is float:
        findings.fault(where, "wrong-type", f"must be a whole number, not {value:g}")
    else:
        findings.wrong_type(where, "a whole number", value)


def mapping(value: Any, where: Where, findings: Findings) -> None:
    """Accept any mapping."""
    if type(value) is not dict:
        findings.wrong_type(where, "a mapping", value)


def between(low: int, high: int) -> Check:
    """Accept whole numbers of a range."""

    def check(value: Any, where: Where, findings: Findings) -> None:
        before = len(findings)
        integer(value, where, findings)
        if len(findings) == before and not low <= value <= high:
            findings.fault(where, "out-of-range", f"must be between {low} and {high}, not {value:g}")

    return check


def choice(*words: str) -> Check:
    """Accept one of some words."""

    def check(value: Any, where: Where, findings: Findings) -> None:
        if type(value) is not str:
            findings.wrong_type(where, "text", value)
        elif value not in words:
            message = f"must be one of {', '.join(words)}, not {value!r}"
            findings.fault(where, "unknown-word", message, suggest(value, words))

    return check


def list_of(item: Check) -> Check:
    """Accept a list."""

    def check(value: Any, where: Where, findings: Findings) -> None:
        if type(value) is not list:
            findings.wrong_type(where, "a list", value)
            return
        for index, one in enumerate(value):
            item(one, (where, index), findings)

    return check


def mapping_of(item: Check) -> Check:
    """Accept a mapping with free keys."""

    def check(value: Any, where: Where, findings: Findings) -> None:
        if type(value) is not dict:
            findings.wrong_type(where, "a mapping", value)
            return
        for key, one in value.items():
            item(one, (where, key), findings)

    return check


def named_list(item: Check, what: str, *, at_least: int = 0) -> Check:
    """Accept a list of mappings with exactly one key each, the key being a name."""

    def check(value: Any, where: Where, findings: Findings) -> None:
        if type(value) is not list:
            findings.wrong_type(where, f"a list of names with {what} each", value)
            return
        if len(value) < at_least:
            findings.fault(where, "empty", f"must hold at least {at_least} name with {what}")
        for index, one in enumerate(value):
            here = (where, index)
            if type(one) is not dict:
                findings.wrong_type(here, f"a mapping of one name to {what}", one)
                continue
            if len(one) != 1:
                names = ", ".join(map(repr, one)) or "none"
                message = f"must hold exactly one name with {what}; it holds {len(one)} ({names})"
                findings.fault(here, "not-one-name", message, "start each name with a '-' of its own" if one else None)
            for key, inner in one.items():
                item(inner, (here, key), findings)

    return check


def record(
    what: str,
    fields: Mapping[str, Check],
    required: Iterable[str] = (),
    *,
    exactly_one: Iterable[Iterable[str]] = (),
    closed: bool = True,
    at_least: int = 0,
) -> Check:
    """Accept a mapping with known keys.

    Args:
        what: What it is, for messages, such as "a retry policy".
        fields: The known keys and what stands under them.
        required: The keys that must be there.
        exactly_one: Sets of keys, of each of which exactly one must be there.
        closed: Whether other keys are faults. Else they are warned of, because the standard allows and ignores them.
        at_least: How many keys there must be.
    """
    needed, groups = tuple(required), tuple(tuple(group) for group in exactly_one)

    def check(value: Any, where: Where, findings: Findings) -> None:
        if type(value) is not dict:
            findings.wrong_type(where, "a mapping", value)
            return
        for key, one in value.items():
            inner = fields.get(key)
            if inner is not None:
                inner(one, (where, key), findings)
            else:
                _unknown(what, fields, (where, key), findings, closed=closed)
        for key in needed:
            if key not in value:
                findings.fault(where, "missing-field", f"{key!r} is missing from {what}")
        for group in groups:
            _one_of(what, group, value, where, findings)
        if len(value) < at_least:
            findings.fault(where, "empty", f"{what} needs at least one of {', '.join(fields)}")

    return check


def _unknown(
    what: str, fields: Mapping[str, Check], where: tuple[Where, str], findings: Findings, *, closed: bool
) -> None:
    key = where[1]
    hint = suggest(key, fields)
    if closed:
        findings.fault(where, "unknown-field", f"unknown field {key!r} in {what}", hint)
    else:
        findings.warn(where, "ignored-field", f"field {key!r} means nothing in {what} and is ignored", hint)


def _one_of(what: str, group: tuple[str, ...], value: Mapping[str, Any], where: Where, findings: Findings) -> None:
    found = [key for key in group if key in value]
    options = f"{', '.join(map(repr, group[:-1]))} or {group[-1]!r}"
    if not found:
        findings.fault(where, "missing-field", f"{options} is missing from {what}")
    elif len(found) > 1:
        both = " and ".join(map(repr, found))
        findings.fault((where, found[1]), "too-many-fields", f"{what} takes either {options}; it has {both}")


def by_type(of_text: Check, other: Check) -> Check:
    """Accept text that one check accepts, or anything else that the other does."""

    def check(value: Any, where: Where, findings: Findings) -> None:
        (of_text if type(value) is str else other)(value, where, findings)

    return check
