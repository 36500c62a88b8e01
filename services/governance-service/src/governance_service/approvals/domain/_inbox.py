"""The inbox: reads an approval, applies a rule to it, keeps what comes out; when somebody was faster, it begins anew."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final, Self

from governance_service.clock import Clock

from ._approval import Approval, Choice, Task
from ._asking import ask
from ._deciding import claim, decide, release
from ._errors import ApprovalExistsError, ApprovalNotFoundError, StaleApprovalError
from ._handing_on import cancel, comment, delegate, run_out
from ._happenings import Action, Happening
from ._people import Actor
from ._store import ApprovalStore, Filter

Change = Callable[[Approval], Approval]
_TIME: Final = "time"
_ATTEMPTS: Final = 20


class Inbox:
    """Approvals, and everything that people and time do to them.

    Rules are applied to what was read; the storage keeps the outcome only if nobody else has changed the approval since. Whoever
    was slower has the rule applied to what the other left, so that each decision is taken on what was really there.

    Args:
        store: Keeps approvals.
        clock: Gives the present.
        claim_lasts: How long a claim holds.
    """

    def __init__(self: Self, store: ApprovalStore, *, clock: Clock, claim_lasts: timedelta) -> None:
        self._store = store
        self._clock = clock
        self._claim_lasts = claim_lasts

    async def ask(self, task: Task) -> tuple[Approval, bool]:
        """Ask for an approval. The same again is the same approval.

        Args:
            task: What is asked.

        Returns:
            The approval, and whether it is new.

        Raises:
            InvalidApprovalError: It makes no sense.
            ApprovalExistsError: The id is taken by something else.
        """
        approval = ask(task, self._clock())
        known = await self._store.find(task.id, task.tenant)
        if known is None:
            try:
                await self._store.add(approval, [Happening(Action.REQUESTED, task.requester)])
            except ApprovalExistsError:
                known = await self._store.find(task.id, task.tenant)
            else:
                return approval, True
        if known is None or not _same(known.task, task):
            raise ApprovalExistsError(task.id)
        return known, False

    async def find(self, approval_id: str, actor: Actor) -> Approval:
        """Return an approval.

        Args:
            approval_id: Its id.
            actor: Who wants to see it.

        Returns:
            The approval.

        Raises:
            ApprovalNotFoundError: There is none, or it is another tenant's.
            AmbiguousApprovalError: The actor sees those of all tenants, and several have one.
        """
        sees_all = actor.is_admin and actor.tenant is None
        if sees_all and actor.looks_in is not None:
            found = await self._store.find(approval_id, actor.looks_in or None)
        else:
            found = await self._store.find(approval_id, actor.tenant, all_tenants=sees_all)
        if found is None:
            raise ApprovalNotFoundError(approval_id)
        return found

    async def select(self, wanted: Filter, *, after: tuple[datetime, str] | None, limit: int) -> Sequence[Approval]:
        """Return approvals, the latest first; see `ApprovalStore.select`."""
        return await self._store.select(wanted, after=after, limit=limit)

    async def decide(self, approval_id: str, actor: Actor, choice: Choice, comment: str | None) -> Approval:
        """Say yes or no; see `decide`."""
        happening = Happening(Action.VOTED, actor.name, {"decision": choice, "comment": comment})
        return await self._change(
            approval_id, actor, lambda found: decide(found, actor, choice, comment, self._clock()), happening
        )

    async def claim(self, approval_id: str, actor: Actor) -> Approval:
        """Say that one is at it; see `claim`."""
        happening = Happening(Action.CLAIMED, actor.name)
        return await self._change(
            approval_id, actor, lambda found: claim(found, actor, self._claim_lasts, self._clock()), happening
        )

    async def release(self, approval_id: str, actor: Actor) -> Approval:
        """Give a claim back; see `release`."""
        happening = Happening(Action.RELEASED, actor.name)
        return await self._change(approval_id, actor, lambda found: release(found, actor, self._clock()), happening)

    async def delegate(self, approval_id: str, actor: Actor, to: str, why: str | None) -> Approval:
        """Hand one's seat on; see `delegate`."""
        happening = Happening(Action.DELEGATED, actor.name, {"to": to, "comment": why})
        return await self._change(
            approval_id, actor, lambda found: delegate(found, actor, to, why, self._clock()), happening
        )

    async def comment(self, approval_id: str, actor: Actor, text: str) -> Approval:
        """Write a comment; see `comment`."""
        happening = Happening(Action.COMMENTED, actor.name, {"text": text})
        return await self._change(
            approval_id, actor, lambda found: comment(found, actor, text, self._clock()), happening
        )

    async def cancel(self, approval_id: str, actor: Actor) -> Approval:
        """Take it back; see `cancel`."""
        return await self._change(approval_id, actor, lambda found: cancel(found, actor, self._clock()), None)

    async def run_out(self, limit: int = 100) -> int:
        """Let the time of approvals run out that are due; see `run_out`.

        Args:
            limit: How many at most.

        Returns:
            How many were changed; those that somebody else changed at the same moment are left to the next call.

        Raises:
            ExceptionGroup: Some could not be kept; all others were.
        """
        changed = 0
        failures: list[Exception] = []
        for due in await self._store.due(self._clock(), limit):
            after = run_out(due, self._clock())
            if after is due:
                continue
            try:
                await self._store.save(after, _told(due, after, None))
            except StaleApprovalError:
                continue
            except Exception as error:  # noqa: BLE001 - it is raised in the end
                failures.append(error)
                continue
            changed += 1
        if failures:
            raise ExceptionGroup("approvals that are due could not be kept", failures)
        return changed

    async def _change(self, approval_id: str, actor: Actor, change: Change, told: Happening | None) -> Approval:
        for _ in range(_ATTEMPTS):
            found = await self.find(approval_id, actor)
            # Nothing slips in between the due time and the moment when somebody gets round to it.
            current = run_out(found, self._clock())
            after = change(current)
            if after is found:
                return found
            happened = [
                *_told(found, current, None),
                *(_told(current, after, told, actor) if after is not current else ()),
            ]
            try:
                return await self._store.save(after, happened)
            except StaleApprovalError:
                continue
        raise StaleApprovalError(approval_id)


def _told(before: Approval, after: Approval, told: Happening | None, actor: Actor | None = None) -> list[Happening]:
    """Say what is to be told of a change."""
    happened = [] if told is None else [told]
    by = _TIME if actor is None else actor.name
    if after.level != before.level:
        happened.append(Happening(Action.ESCALATED, by, {"level": after.level}))
    if before.is_open and not after.is_open:
        happened.append(Happening(Action.DECIDED, by, {"status": after.status}))
    return happened


def _same(known: Task, wanted: Task) -> bool:
    # A due time that is given as a moment is a little less each time that it is asked for anew.
    return _without_time(known) == _without_time(wanted)


def _without_time(task: Task) -> Task:
    return replace(task, levels=tuple(replace(level, lasts=None) for level in task.levels))
