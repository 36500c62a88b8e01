from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from governance_service.approvals.domain import Candidates, InvalidApprovalError, Level, Status, Task, ask

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ROLES = Candidates(roles=frozenset({"approver"}))


def users(*names: str) -> Candidates:
    return Candidates(users=frozenset(names))


TASK = Task("a", None, "May it?", "orchestrator", (Level(ROLES),))


def test_a_task_without_a_time_is_never_due() -> None:
    """What has no due time is open, with its first level, for as long as it takes."""
    approval = ask(TASK, NOW)
    assert (approval.status, approval.level, approval.due_at) == (Status.OPEN, 0, None)


def test_the_first_level_gives_the_due_time() -> None:
    """The due time is that of the first level, counted from now."""
    levels = (Level(ROLES, timedelta(hours=1)), Level(users("boss"), timedelta(hours=2)))
    assert ask(replace(TASK, levels=levels), NOW).due_at == NOW + timedelta(hours=1)


@pytest.mark.parametrize(
    ("change", "paths"),
    [
        ({"id": ""}, ["id"]),
        ({"id": "a/b"}, ["id"]),
        ({"title": " "}, ["title"]),
        ({"title": "two\nlines"}, ["title"]),
        ({"title": "x" * 201}, ["title"]),
        ({"description": "x" * 10_001}, ["description"]),
        ({"run_id": "r"}, ["signal"]),
        ({"signal": "s"}, ["run_id"]),
        ({"four_eyes": 0}, ["four_eyes"]),
        ({"four_eyes": 21}, ["four_eyes"]),
        ({"on_expiry": Status.CANCELLED}, ["on_expiry"]),
        ({"requested_by": "a\x00"}, ["requested_by"]),
        ({"context": {"a": "x" * 40_000}}, ["context"]),
        ({"context": {"a": "\ud800"}}, ["context"]),
        ({"levels": (Level(Candidates()),)}, ["candidates"]),
        ({"levels": (Level(users("a\x07")),)}, ["candidates"]),
        ({"levels": (Level(users(*map(str, range(101)))),)}, ["candidates"]),
        ({"levels": (Level(users("ada")),), "four_eyes": 2}, ["candidates"]),
        ({"levels": (Level(users("ada", "bo")),), "four_eyes": 2, "requested_by": "bo", "exclude_requester": True}, ["candidates"]),
        ({"levels": (Level(users("orchestrator")),), "exclude_requester": True}, ["candidates"]),
        ({"levels": (Level(ROLES), Level(ROLES))}, ["due_in_s"]),
        ({"levels": (Level(ROLES, timedelta(0)),)}, ["due_in_s"]),
        ({"levels": (Level(ROLES, timedelta(days=4_000)),)}, ["due_in_s"]),
        ({"levels": (Level(ROLES, timedelta(1)), Level(ROLES, timedelta(-1)))}, ["escalate_to[0].due_in_s"]),
        ({"levels": (Level(ROLES, timedelta(1)), Level(users("ada"))), "four_eyes": 2}, ["escalate_to[0]"]),
        ({"levels": (Level(ROLES, timedelta(1)),) * 6}, ["escalate_to"]),
        ({"id": "", "title": "", "four_eyes": 0}, ["id", "title", "four_eyes"]),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_with_its_place(change: dict[str, object], paths: list[str]) -> None:
    """A task that cannot be kept, understood or ever be decided is refused, and every fault is named."""
    with pytest.raises(InvalidApprovalError) as caught:
        ask(replace(TASK, **change), NOW)  # type: ignore[arg-type]
    assert [path for path, _ in caught.value.faults] == paths


def test_those_who_ask_may_decide_unless_that_is_excluded() -> None:
    """Asking for oneself is allowed as long as nobody forbids it."""
    ask(replace(TASK, levels=(Level(users("orchestrator")),)), NOW)
