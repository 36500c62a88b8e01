"""Find the passages of one text that agree with references."""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter

from rapidfuzz.distance import Indel

from ._align import Alignment, align
from ._index import RUN_LENGTH
from ._library import Library, Reference
from ._models import Passage, ReferenceKind
from ._normalize import Words

ACCEPTED = 0.9
"""Similarity from which a passage counts as recognised."""
SHORT_ACCEPTED = 0.95
"""The same for references of few words, where one word weighs more."""
_SHORT = 40
_CANDIDATE = 0.5
"""Similarity from which a reference is worth naming as a candidate."""
_SHORTLIST = 60
_SHORTLIST_SHARE = 0.2
_ROUNDS = 80
"""Most passages looked for in one text; a list of third-party notices may repeat licences."""
_TAIL_AGREES = 0.6
_TAKEN = -1
_EVIDENCE_RUNS = 3
_EVIDENCE_WORDS = 12


@dataclass(slots=True)
class _Candidate:
    reference: Reference
    hits: list[tuple[int, int]]
    alignment: Alignment | None


@dataclass(frozen=True, slots=True)
class Scan:
    """The result of looking through one text."""

    passages: tuple[Passage, ...]
    """Recognised passages in the order of the text."""
    candidates: tuple[Passage, ...]
    """References near what is left, best first."""
    covered: tuple[tuple[int, int], ...]
    """First and last lines of the recognised passages and their appendices."""
    left: int
    """Words that no passage covers."""


def scan(library: Library, text: Words) -> Scan:
    """Find every passage that agrees with a reference.

    The reference that explains most words is taken first; its words are then out of reach for the others, so that a
    licence which is contained in a longer one (BSD-2-Clause in BSD-3-Clause) is not found beside it.

    Args:
        library: The references.
        text: The text's words.

    Returns:
        Recognised passages, and what the rest resembles.
    """
    words = library.numbers_of(text.words)
    candidates = [
        _Candidate(library.references[number], hits, align(library.references[number].words, words, hits))
        for number, hits in library.index.shortlist(words, limit=_SHORTLIST, least=_SHORTLIST_SHARE)
    ]
    taken: list[tuple[int, Passage]] = []
    covered: list[tuple[int, int]] = []
    for _ in range(_ROUNDS):
        fitting = sorted(_fitting(candidates), key=_rank, reverse=True)
        if not fitting or (place := fitting[0].alignment) is None:
            break
        best, *others = _contest(candidates, words, place)
        found = best.alignment or place
        taken.append((found.start, _passage(library, text, best, others)))
        end = found.end + _tail_length(best.reference, words, found.end)
        covered.append((text.lines[found.start], text.lines[end - 1]))
        words[found.start : end] = [_TAKEN] * (end - found.start)
        _withdraw(candidates, words, found.start, end)
    near = sorted(
        (c for c in candidates if c.alignment is not None and c.alignment.similarity >= _CANDIDATE),
        key=_rank,
        reverse=True,
    )
    return Scan(
        passages=tuple(passage for _, passage in sorted(taken, key=lambda item: item[0])),
        candidates=tuple(_passage(library, text, candidate, ()) for candidate in near[:5]),
        covered=tuple(covered),
        left=sum(word != _TAKEN for word in words),
    )


def _fitting(candidates: Sequence[_Candidate]) -> Iterator[_Candidate]:
    for candidate in candidates:
        if candidate.alignment is not None:
            least = SHORT_ACCEPTED if len(candidate.reference.words) < _SHORT else ACCEPTED
            if candidate.alignment.similarity >= least:
                yield candidate


def _contest(candidates: Sequence[_Candidate], words: Sequence[int], place: Alignment) -> list[_Candidate]:
    """Let all candidates compete for one place, best first.

    In a text that repeats a licence, a better candidate may have been aligned with another copy.
    """
    low, high = place.start - RUN_LENGTH, place.end + RUN_LENGTH
    local = []
    for candidate in candidates:
        first, last = _slice(candidate.hits, low, high)
        hits = candidate.hits[first:last]
        if len(hits) * 2 >= len(candidate.reference.words) and place.common * 2 >= len(candidate.reference.words):
            local.append(_Candidate(candidate.reference, hits, align(candidate.reference.words, words, hits)))
    contest = sorted(_fitting(local), key=_rank, reverse=True)
    return contest or [c for c in candidates if c.alignment is place]


def _rank(candidate: _Candidate) -> tuple[int, int, str]:
    gain = candidate.alignment.gain if candidate.alignment is not None else 0
    name = candidate.reference.ids[0]
    return (gain, -len(name), name)


def _withdraw(candidates: Sequence[_Candidate], words: Sequence[int], start: int, end: int) -> None:
    """Take a span away from all candidates and align those anew that stood on it."""
    for candidate in candidates:
        first, last = _slice(candidate.hits, start, end)
        del candidate.hits[first:last]
        found = candidate.alignment
        if found is not None and found.start < end and found.end > start:
            candidate.alignment = align(candidate.reference.words, words, candidate.hits)


def _slice(hits: Sequence[tuple[int, int]], start: int, end: int) -> tuple[int, int]:
    """Find which hits lie from `start` up to `end`."""
    return bisect_left(hits, start, key=itemgetter(0)), bisect_left(hits, end, key=itemgetter(0))


def _tail_length(reference: Reference, words: Sequence[int], at: int) -> int:
    """Measure how many words at a place are the reference's tail (an appendix, instructions for use)."""
    length = len(reference.tail)
    if not length:
        return 0
    window = list(words[at : at + length])
    if Indel.normalized_similarity(list(reference.tail), window) >= _TAIL_AGREES:
        return len(window)
    return 0


def _passage(library: Library, text: Words, candidate: _Candidate, others: Sequence[_Candidate]) -> Passage:
    found, reference = candidate.alignment, candidate.reference
    if found is None:
        raise ValueError("a passage needs an alignment")
    rival = next(
        (
            (other.reference.ids[0], round(other.alignment.similarity, 4))
            for other in others
            if other.alignment is not None
            and other.reference.ids[0] != reference.ids[0]
            and other.alignment.start < found.end
            and other.alignment.end > found.start
        ),
        None,
    )
    return Passage(
        id=reference.ids[0],
        kind=reference.kind,
        similarity=found.similarity,
        coverage=found.coverage,
        first_line=text.lines[found.start],
        last_line=text.lines[found.end - 1],
        same_text=reference.ids[1:] if reference.kind is ReferenceKind.LICENSE else (),
        runner_up=rival,
        missing=_longest(found.gaps, lambda span: library.words_of(reference.words[span[0] : span[1]])),
        added=_longest(found.extras, lambda span: " ".join(text.words[span[0] : span[1]])),
    )


def _longest(spans: Sequence[tuple[int, int]], write: Callable[[tuple[int, int]], str]) -> tuple[str, ...]:
    """Write the longest spans, cut to a few words, longest first."""
    longest = sorted(spans, key=lambda span: (span[0] - span[1], span[0]))[:_EVIDENCE_RUNS]
    return tuple(write((begin, min(stop, begin + _EVIDENCE_WORDS))) for begin, stop in longest)
