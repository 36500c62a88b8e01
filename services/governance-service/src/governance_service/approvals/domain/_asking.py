"""Asking for an approval: what may be asked."""

import json
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from ._approval import Approval, Status, Task
from ._errors import InvalidApprovalError
from ._people import Candidates

MAX_PERSONS: Final = 100
MAX_LEVELS: Final = 5
MAX_EYES: Final = 20
MAX_TITLE: Final = 200
MAX_TEXT: Final = 10_000
MAX_CONTEXT_BYTES: Final = 32_768
_MAX_WAIT: Final = timedelta(days=3_650)
_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:~-]{0,199}")
_EXPIRIES: Final = (Status.EXPIRED, Status.APPROVED, Status.REJECTED)


def ask(task: Task, now: datetime) -> Approval:
    """Ask for an approval.

    Args:
        task: What is asked.
        now: The present.

    Returns:
        The approval, open.

    Raises:
        InvalidApprovalError: It makes no sense; everything that is wrong is named.
    """
    if faults := list(_faults(task)):
        raise InvalidApprovalError(faults)
    lasts = task.levels[0].lasts
    return Approval(task, created_at=now, due_at=None if lasts is None else now + lasts)


def _faults(task: Task) -> Iterator[tuple[str, str]]:
    if not _ID.fullmatch(task.id):
        yield "id", "must be 1 to 200 of letters, digits and . _ : ~ -, and begin with a letter or digit"
    if not task.title.strip() or len(task.title) > MAX_TITLE or not task.title.isprintable():
        yield "title", f"must be one line of 1 to {MAX_TITLE} characters"
    if task.description is not None and len(task.description) > MAX_TEXT:
        yield "description", f"may have {MAX_TEXT} characters"
    if (task.run_id is None) != (task.signal is None):
        yield ("signal" if task.signal is None else "run_id"), "run_id and signal belong together: give both or neither"
    if not all(_is_name(name) for name in (task.run_id, task.signal) if name is not None):
        yield "run_id", "and signal must be printable names of at most 256 characters"
    if not 1 <= task.four_eyes <= MAX_EYES:
        yield "four_eyes", f"must be from 1 to {MAX_EYES}: how many different persons have to approve"
    if task.on_expiry not in _EXPIRIES:
        yield "on_expiry", f"must be one of {', '.join(_EXPIRIES)}"
    if task.requested_by is not None and not _is_name(task.requested_by):
        yield "requested_by", "must be a printable name of at most 256 characters"
    if _size(task.context) > MAX_CONTEXT_BYTES:
        yield "context", f"may have {MAX_CONTEXT_BYTES} bytes; give a link to what is larger"
    yield from _of_levels(task)


def _of_levels(task: Task) -> Iterator[tuple[str, str]]:
    if not 1 <= len(task.levels) <= MAX_LEVELS:
        yield "escalate_to", f"may have {MAX_LEVELS - 1} levels"
    for number, level in enumerate(task.levels):
        place = "candidates" if number == 0 else f"escalate_to[{number - 1}]"
        is_last = number == len(task.levels) - 1
        if level.lasts is None and not is_last:
            yield "due_in_s", "is needed with escalate_to: it says when the next ones get it"
        if level.lasts is not None and not timedelta(0) < level.lasts <= _MAX_WAIT:
            yield ("due_in_s" if number == 0 else f"{place}.due_in_s"), "must be later than now, within ten years"
        yield from _of_candidates(task, level.candidates, place)


def _of_candidates(task: Task, candidates: Candidates, place: str) -> Iterator[tuple[str, str]]:
    if not candidates.users and not candidates.roles:
        yield place, "must name somebody: users, roles or both"
        return
    if len(candidates.users) + len(candidates.roles) > MAX_PERSONS:
        yield place, f"may name {MAX_PERSONS} users and roles"
    if not all(map(_is_name, candidates.users | candidates.roles)):
        yield place, "must be printable names of at most 256 characters"
    able = candidates.users - (task.askers if task.exclude_requester else frozenset())
    if not candidates.roles and len(able) < task.four_eyes:
        who = ", ".join(sorted(able)) or "nobody"
        yield place, f"are too few: {task.four_eyes} have to approve, and only {who} may"


def _is_name(text: str) -> bool:
    return 0 < len(text) <= 256 and text.isprintable()


def _size(value: object) -> int:
    try:
        return len(json.dumps(value, ensure_ascii=False).encode())
    except (UnicodeEncodeError, ValueError, RecursionError):
        return MAX_CONTEXT_BYTES + 1
