"""The policies in force: applied, asked, tried out."""

import asyncio
import re
from collections.abc import Sequence
from typing import Final
from uuid import uuid4

from governance_service.clock import Clock

from ._checking import CheckedPolicy, check
from ._compiled import CompiledPolicy
from ._errors import Fault, InvalidDecisionRequestError, InvalidPolicyError, PolicyChangedError, PolicyNotFoundError
from ._records import Change, Decision, DryRun, PolicyVersion
from ._sources import PolicySource, Question
from ._store import PolicyStore

FILE_PREFIX: Final = "file:"
_NAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?")


class PolicyBook:
    """The policies of the platform.

    Compiled policies are kept in memory by name and version; a version never changes, so that none is ever out of date. Which
    version is in force is asked of the storage each time, because another process may have applied one.

    Args:
        store: Keeps versions and decisions.
        clock: Gives the present.
        compared: How many of the latest decisions a dry run looks at.
    """

    def __init__(self, store: PolicyStore, *, clock: Clock, compared: int = 1_000) -> None:
        self._store = store
        self._clock = clock
        self._compared = compared
        self._compiled: dict[str, tuple[int, CompiledPolicy]] = {}

    async def apply(
        self,
        name: str,
        source: PolicySource,
        by: str,
        *,
        seen: int | None = None,
        checked: CheckedPolicy | None = None,
    ) -> tuple[PolicyVersion, bool]:
        """Put a version of a policy in force. The same content again is no new version.

        Args:
            name: Its name.
            source: How it is written.
            by: Who applies it.
            seen: The version that the caller has seen, 0 for none; None when it does not mind which one there is.
            checked: What checking it has said, where that was done before; None checks it.

        Returns:
            The version, and whether it is new.

        Raises:
            InvalidPolicyError: It is not sound.
            PolicyTestsFailedError: Its tests fail.
            PolicyChangedError: Another version came in between.
        """
        if checked is None:
            checked = await asyncio.to_thread(self.check, name, source)
        checked.require_passed()
        current = await self._store.current(name)
        if current is not None and current.source.digest == source.digest:
            return current, False
        latest = 0 if current is None else current.version
        if seen is not None and seen != latest:
            raise PolicyChangedError(name)
        version = PolicyVersion(name, latest + 1, source, self._clock(), by)
        await self._store.add(version)
        return version, True

    async def take_file(self, name: str, source: PolicySource, path: str) -> bool:
        """Put a policy that comes from a file in force, unless this very content has come from a file before.

        So a version that somebody applied over HTTP stays in force when the service starts again, until the file changes.

        Args:
            name: Its name.
            source: What the file says.
            path: The file's name.

        Returns:
            True when it is new.

        Raises:
            InvalidPolicyError: It is not sound.
            PolicyTestsFailedError: Its tests fail.
            PolicyChangedError: Another process took it at the same moment.
        """
        checked = await asyncio.to_thread(self.check, name, source)
        checked.require_passed()
        from_files = [one for one in await self._store.versions(name) if one.created_by.startswith(FILE_PREFIX)]
        if from_files and from_files[-1].source.digest == source.digest:
            return False
        _, created = await self.apply(name, source, FILE_PREFIX + path, checked=checked)
        return created

    def check(self, name: str, source: PolicySource) -> CheckedPolicy:
        """Compile a policy and run its tests; nothing is kept.

        Args:
            name: Its name.
            source: How it is written.

        Returns:
            The policy, and how its tests went.

        Raises:
            InvalidPolicyError: It is not sound.
        """
        if not _NAME.fullmatch(name):
            raise InvalidPolicyError(name[:80], [Fault("name", "must be 1 to 64 of a-z, 0-9 and '-'")])
        return check(name, source)

    async def dry_run(self, policy: CompiledPolicy) -> DryRun:
        """Ask a version again what its predecessors were asked lately, by whichever tenant.

        Args:
            policy: The version.

        Returns:
            What it would decide otherwise.
        """
        logged = await self._store.decisions(
            policy=policy.name, tenant=None, all_tenants=True, before=None, limit=self._compared
        )

        def compare() -> tuple[Change, ...]:
            changes = (self._changed(policy, decision) for _, decision in logged)
            return tuple(change for change in changes if change is not None)

        # A thousand questions take their time, in which others want to be answered.
        return DryRun(len(logged), await asyncio.to_thread(compare))

    async def decide(
        self,
        name: str,
        question: Question,
        *,
        asked_by: str,
        tenant: str | None = None,
        trace_id: str | None = None,
        keep: bool = True,
    ) -> Decision:
        """Ask the version in force of a policy.

        Args:
            name: The policy.
            question: The question.
            asked_by: Who asks.
            tenant: On behalf of which tenant.
            trace_id: The trace that the question belongs to.
            keep: Whether the decision goes into the log.

        Returns:
            The decision.

        Raises:
            PolicyNotFoundError: There is no such policy.
            InvalidDecisionRequestError: The question does not fit its schema.
        """
        current, policy = await self._in_force(name)
        verdict = policy.answer(question)
        decision = Decision(
            id=str(uuid4()),
            tenant=tenant,
            policy=name,
            version=current,
            question=question,
            outcome=verdict.outcome,
            reasons=verdict.reasons,
            asked_by=asked_by,
            decided_at=self._clock(),
            trace_id=trace_id,
        )
        if keep:
            await self._store.log(decision)
        return decision

    async def find(self, name: str, version: int | None = None) -> PolicyVersion:
        """Return a policy.

        Args:
            name: Its name.
            version: Which version; None for the one in force.

        Returns:
            The version.

        Raises:
            PolicyNotFoundError: There is none.
        """
        if version is None:
            found = await self._store.current(name)
            if found is None:
                raise PolicyNotFoundError(name, known=[one.name for one in await self._store.latest()])
            return found
        found = await self._store.version(name, version)
        if found is None:
            versions = await self.versions(name)
            raise PolicyNotFoundError(name, version, [str(one.version) for one in versions])
        return found

    async def versions(self, name: str) -> Sequence[PolicyVersion]:
        """Return all versions of a policy, the oldest first.

        Raises:
            PolicyNotFoundError: There is no such policy.
        """
        versions = await self._store.versions(name)
        if not versions:
            raise PolicyNotFoundError(name, known=[one.name for one in await self._store.latest()])
        return versions

    async def _in_force(self, name: str) -> tuple[int, CompiledPolicy]:
        current = await self.find(name)
        known = self._compiled.get(name)
        if known is None or known[0] != current.version:
            known = self._compiled[name] = (current.version, CompiledPolicy(name, current.source))
        return known

    @staticmethod
    def _changed(policy: CompiledPolicy, decision: Decision) -> Change | None:
        try:
            verdict = policy.answer(decision.question)
        except InvalidDecisionRequestError:
            return Change(decision, None, ())
        if verdict.outcome is decision.outcome:
            return None
        return Change(decision, verdict.outcome, verdict.reasons)
