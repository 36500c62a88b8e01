"""What the recognised licence says about the declared one."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from dependency_review.errors import InvalidExpressionError
from dependency_review.expressions import Alternatives, alternatives, licenses


class Relation(StrEnum):
    """How a recognised licence stands to the declared one."""

    EXACT = "exact"
    """Both mean the same; the order of AND and OR does not count."""
    COMPATIBLE = "compatible"
    """The texts bear the declaration out, but alone they do not prove it."""
    PARTIAL = "partial"
    """Some declared licences were recognised, and nothing else."""
    BROADER = "broader"
    """All declared licences were recognised, and others beside them."""
    DIFFERENT = "different"
    """The texts are those of other licences."""
    UNRECOGNIZED = "unrecognized"
    """A licence is declared and none was recognised."""
    UNDECLARED = "undeclared"
    """No valid expression is declared, so there is nothing to compare with."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """The outcome of a comparison."""

    relation: Relation
    explanation: str
    """The reason, for a person."""


def compare(declared: str | None, recognized: str | None) -> Comparison:
    """Compare a recognised licence with the declared one.

    Args:
        declared: The declared SPDX expression; None when there is none that is valid.
        recognized: The recognised SPDX expression; None when no licence was recognised.

    Returns:
        How they relate, and why. Expressions that cannot be read never raise: they count as absent or different.
    """
    if declared is None:
        return Comparison(Relation.UNDECLARED, "the metadata declares no valid License-Expression")
    if recognized is None:
        return Comparison(Relation.UNRECOGNIZED, "no licence was recognised in the texts")
    try:
        wanted = alternatives(declared)
    except InvalidExpressionError as error:
        return Comparison(Relation.UNDECLARED, str(error))
    try:
        found = alternatives(recognized)
    except InvalidExpressionError as error:
        return Comparison(Relation.DIFFERENT, str(error))
    return _relate(wanted, found)


def _relate(wanted: Alternatives, found: Alternatives) -> Comparison:
    if wanted == found:
        return Comparison(Relation.EXACT, "the texts are those of the declared licence")
    if _without_suffix(wanted) == _without_suffix(found):
        return Comparison(
            Relation.COMPATIBLE, '"-only" and "-or-later" share one text, so that texts cannot tell which one is meant'
        )
    choice = _choice(wanted, found)
    if choice is not None:
        return Comparison(Relation.COMPATIBLE, choice)
    if _without_exceptions(wanted) == found:
        return Comparison(Relation.PARTIAL, f"no text of {_listed(_exceptions(wanted))} was recognised")
    if wanted == _without_exceptions(found):
        return Comparison(Relation.BROADER, f"the texts also hold {_listed(_exceptions(found))}")
    return _overlap(wanted, licenses(wanted), licenses(found))


def _choice(wanted: Alternatives, found: Alternatives) -> str | None:
    """Say how texts bear out a choice: a text for each alternative, or for some of them."""
    named = licenses(found)
    if len(wanted) > 1 and len(found) == 1:
        covered = [one for one in wanted if one <= named]
        if covered and frozenset().union(*covered) == named:
            if len(covered) == len(wanted):
                return "a choice is declared, and the text of each alternative was recognised"
            return f"a choice is declared, and the texts of {len(covered)} of its {len(wanted)} alternatives were recognised"
    if len(found) > 1 and wanted < found:
        return "the texts offer a choice, and what is declared is among it"
    if len(wanted) > 1 and found < wanted:
        return f"a choice of {len(wanted)} is declared, and the texts offer {len(found)} of them"
    return None


def _overlap(wanted: Alternatives, declared: frozenset[str], named: frozenset[str]) -> Comparison:
    extra, absent = named - declared, declared - named
    if any(one <= named for one in wanted) and extra:
        return Comparison(Relation.BROADER, f"the texts also hold {_listed(extra)}")
    if named < declared:
        return Comparison(Relation.PARTIAL, f"no text of {_listed(absent)} was recognised")
    if named == declared:
        return Comparison(Relation.DIFFERENT, "the same licences, but AND and OR join them in another way")
    return Comparison(Relation.DIFFERENT, f"the texts are those of {_listed(named)}, not of {_listed(absent)}")


def _without_suffix(granted: Alternatives) -> Alternatives:
    return frozenset(frozenset(_family(license_) for license_ in one) for one in granted)


def _family(license_: str) -> str:
    """Drop "-only" or "-or-later", also before " WITH "."""
    name, separator, exception = license_.partition(" WITH ")
    return name.removesuffix("-only").removesuffix("-or-later") + separator + exception


def _without_exceptions(granted: Alternatives) -> Alternatives:
    return frozenset(frozenset(license_.partition(" WITH ")[0] for license_ in one) for one in granted)


def _exceptions(granted: Alternatives) -> frozenset[str]:
    return frozenset(exception for license_ in licenses(granted) if (exception := license_.partition(" WITH ")[2]))


def _listed(names: frozenset[str]) -> str:
    return ", ".join(sorted(names))
