from intelligence_service.domain.licenses._align import Alignment, align
from intelligence_service.domain.licenses._index import runs_of


def hits(reference: list[int], words: list[int]) -> list[tuple[int, int]]:
    known = set(runs_of(reference))
    return [(at, run) for at, run in enumerate(runs_of(words)) if run in known]


def aligned(reference: list[int], words: list[int]) -> Alignment:
    found = align(reference, words, hits(reference, words))
    assert found is not None
    return found


def test_a_whole_copy_in_the_middle_is_placed_exactly() -> None:
    """A reference inside a longer text is found word for word, and nothing around it."""
    reference = list(range(100))
    found = aligned(reference, [*range(500, 530), *reference, *range(600, 630)])
    assert (found.start, found.end, found.similarity, found.gain) == (30, 130, 1.0, 100)


def test_missing_and_added_words_count_against_it() -> None:
    """Similarity, coverage and gain fall with words that only one side has; their spans are told."""
    reference = list(range(100))
    found = aligned(reference, [*range(40), 700, 701, *range(50, 100)])
    assert (found.common, found.missing, found.added) == (90, 10, 2)
    assert found.gaps == ((40, 50),)
    assert found.extras == ((40, 42),)
    assert found.coverage == 0.9


def test_the_second_copy_stays_out_of_the_first() -> None:
    """Of two copies in a row only one is taken."""
    reference = list(range(60))
    found = aligned(reference, [*reference, *reference])
    assert found.end - found.start == 60


def test_a_neighbour_that_shares_words_does_not_spoil_a_changed_copy() -> None:
    """A copy with a changed sentence is placed apart from a neighbour that has the missing sentence."""
    reference = list(range(100))
    changed = [*range(50), *range(800, 806), *range(56, 100)]
    neighbour = [*range(30, 60), *range(900, 960)]
    found = aligned(reference, [*changed, *neighbour])
    assert found.start == 0
    assert found.end == 100


def test_no_shared_run_gives_no_alignment() -> None:
    """Without a shared run there is nothing to align."""
    reference, words = list(range(20)), list(range(100, 120))
    assert align(reference, words, hits(reference, words)) is None


def test_words_that_are_taken_are_not_used_again() -> None:
    """Taken words carry a negative number, and no reference has those."""
    reference = list(range(50))
    words = [*range(25), *([-1] * 25)]
    assert aligned(reference, words).end == 25
