from intelligence_service.domain.licenses._index import RUN_LENGTH, RunIndex, runs_of


def test_the_fullest_reference_comes_first() -> None:
    """References are ranked by the share of their runs that the text holds."""
    index = RunIndex([list(range(20)), list(range(100, 140)), list(range(10, 60))])
    found = index.shortlist([*range(20), *range(100, 110)], limit=5, least=0.0)
    assert [reference for reference, _ in found] == [0, 1, 2]


def test_a_text_without_shared_runs_has_no_candidates() -> None:
    """Shared single words are not enough."""
    index = RunIndex([list(range(20))])
    assert index.shortlist([1, 3, 5, 7, 9, 11], limit=5, least=0.0) == []


def test_the_least_share_is_asked_for() -> None:
    """A reference of which the text holds too little is left out."""
    index = RunIndex([list(range(100))])
    assert index.shortlist(list(range(20)), limit=5, least=0.5) == []


def test_hits_say_where_runs_begin() -> None:
    """Hits are the places in the text, each with the run's hash."""
    words = [900, 901, *range(10)]
    ((_, hits),) = RunIndex([list(range(10))]).shortlist(words, limit=1, least=0.0)
    assert [at for at, _ in hits] == list(range(2, 2 + 10 - RUN_LENGTH + 1))
    assert {run for _, run in hits} == set(runs_of(list(range(10))))


def test_runs_are_the_same_in_every_process() -> None:
    """Hashes of numbers do not depend on the hash seed."""
    assert runs_of([1, 2, 3, 4, 5]) == [hash((1, 2, 3, 4, 5))]


def test_texts_shorter_than_a_run_have_none() -> None:
    """A text shorter than a run has no runs."""
    assert runs_of([1, 2]) == []
