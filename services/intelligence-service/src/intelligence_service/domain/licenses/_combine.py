"""Put the findings of several texts together into one SPDX expression."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from ._models import LicenseFindings, Passage, ReferenceKind, TextFinding

_MOST_CHOICES = 4
_APACHE_EXCEPTIONS = frozenset({"LLVM-exception", "Swift-exception"})
_GNU = ("GPL-", "LGPL-", "AGPL-")
_INCORPORATED = {
    "LGPL-3.0-only": ("GPL-3.0-only",),
    "LGPL-3.0-or-later": ("GPL-3.0-only", "GPL-3.0-or-later"),
}


@dataclass(frozen=True, slots=True)
class _Named:
    id: str
    similarity: float


def combine(texts: Sequence[TextFinding]) -> LicenseFindings:
    """Say what the texts of one distribution mean together.

    Args:
        texts: What was found in each text.

    Returns:
        The expression: all ids joined by `AND`, sorted; ids between which a text lets the reader choose are joined by
        `OR`. No expression when nothing was recognised.
    """
    notes: list[str] = []
    stated = {p.id for text in texts for p in text.passages if p.kind is ReferenceKind.HEADER}
    later = any(text.allows_later for text in texts)
    named = [_named(text.passages, stated, notes, later=later) for text in texts]
    best: dict[str, float] = {}
    for item in (item for items in named for item in items):
        best[item.id] = max(item.similarity, best.get(item.id, 0.0))
    _drop_incorporated(best, notes)
    choices = _choices(texts, [[item.id for item in items if item.id in best] for items in named])
    if choices:
        notes.append("a text says that one of several licences may be chosen")
    return LicenseFindings(
        expression=_expression(set(best), choices),
        ids=tuple(sorted(best)),
        confidence=min(best.values(), default=0.0),
        texts=tuple(texts),
        notes=tuple(dict.fromkeys(notes)),
    )


def _named(passages: Sequence[Passage], stated: set[str], notes: list[str], *, later: bool) -> list[_Named]:
    """Name what the passages of one text stand for, exceptions with their licence."""
    named = [_Named(_resolve(p, stated, notes, later=later), p.similarity) for p in passages]
    result = [item for item, p in zip(named, passages, strict=True) if p.kind is not ReferenceKind.EXCEPTION]
    for place, passage in enumerate(passages):
        if passage.kind is not ReferenceKind.EXCEPTION:
            continue
        before = [item for item in reversed(named[:place]) if _may_carry(item.id, passage.id)]
        after = [item for item in named[place + 1 :] if _may_carry(item.id, passage.id)]
        licence = next(iter(before + after), None)
        if licence is None or licence not in result:
            notes.append(f"{passage.id} is an exception, but no licence that it could belong to stands beside it")
            continue
        similarity = min(licence.similarity, passage.similarity)
        result[result.index(licence)] = _Named(f"{licence.id} WITH {passage.id}", similarity)
    return result


def _may_carry(license_id: str, exception_id: str) -> bool:
    if exception_id in _APACHE_EXCEPTIONS:
        return license_id == "Apache-2.0"
    return license_id.startswith(_GNU)


def _resolve(passage: Passage, stated: set[str], notes: list[str], *, later: bool) -> str:
    """Choose among ids with the same text the one that a header or a sentence states."""
    if not passage.same_text or passage.id in stated:
        return passage.id
    for other in passage.same_text:
        if other in stated or (later and other.endswith("-or-later")):
            notes.append(f"{other} and not {passage.id}: the texts are the same, a text says which is meant")
            return other
    notes.append(f"the text of {passage.id} is also that of {', '.join(passage.same_text)}")
    return passage.id


def _drop_incorporated(best: dict[str, float], notes: list[str]) -> None:
    """Leave out the GPL whose text stands beside the LGPL-3.0 that incorporates it."""
    for lesser, generals in _INCORPORATED.items():
        repeated = [general for general in generals if lesser in best and general in best]
        for general in repeated:
            del best[general]
        notes.extend(f"{general} left out: {lesser} incorporates its text" for general in repeated)


def _choices(texts: Sequence[TextFinding], ids: Sequence[Sequence[str]]) -> list[frozenset[str]]:
    """List the sets of ids between which one may choose.

    A statement speaks of the licences in its own text, or else of those in the texts of its folder.
    """
    choices: list[frozenset[str]] = []
    for text, own in zip(texts, ids, strict=True):
        if not text.offers_choice:
            continue
        group = frozenset(own)
        if len(group) < 2:
            folder = PurePosixPath(text.name).parent
            group = frozenset(
                name
                for other, names in zip(texts, ids, strict=True)
                if PurePosixPath(other.name).parent == folder
                for name in names
            )
        if 2 <= len(group) <= _MOST_CHOICES and group not in choices:
            choices.append(group)
    return choices


def _expression(ids: set[str], choices: Sequence[frozenset[str]]) -> str | None:
    free = ids.difference(*choices) if choices else ids
    alone = len(choices) == 1 and not free
    offered = [" OR ".join(sorted(choice)) for choice in choices]
    parts = sorted(free) + (offered if alone else [f"({text})" for text in sorted(offered)])
    return " AND ".join(parts) or None
