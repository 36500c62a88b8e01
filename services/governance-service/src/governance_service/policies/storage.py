"""Policies and decisions in the database."""

import json
from collections.abc import Sequence
from typing import Final

from sqlalchemy import delete, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from governance_service.policies.domain import (
    Decision,
    Outcome,
    PolicyChangedError,
    PolicySource,
    PolicyVersion,
    Reason,
    read_question,
    write_question,
)
from governance_service.policies.events import POLICY_APPLIED, PolicyApplied
from governance_service.policies.tables import PolicyDecisionRow, PolicyVersionRow
from governance_service.telling import Announcement, Teller, Told
from maestro_core_db import ConstraintViolatedError, Database

_TRIMMED_EVERY: Final = 100


class DatabasePolicies:
    """A `PolicyStore`.

    Args:
        db: The database.
        teller: Tells what happens to policies.
        kept: How many decisions the log keeps.
    """

    def __init__(self, db: Database, teller: Teller, *, kept: int) -> None:
        self._db = db
        self._teller = teller
        self._kept = kept

    async def latest(self) -> Sequence[PolicyVersion]:
        """See `PolicyStore.latest`."""
        newest = select(PolicyVersionRow.name, func.max(PolicyVersionRow.version)).group_by(PolicyVersionRow.name)
        wanted = select(PolicyVersionRow).where(tuple_(PolicyVersionRow.name, PolicyVersionRow.version).in_(newest))
        async with self._db.reading() as session:
            rows = (await session.scalars(wanted.order_by(PolicyVersionRow.name))).all()
        return [_version(row) for row in rows]

    async def current(self, name: str) -> PolicyVersion | None:
        """See `PolicyStore.current`."""
        newest = select(PolicyVersionRow).where(PolicyVersionRow.name == name)
        async with self._db.reading() as session:
            row = await session.scalar(newest.order_by(PolicyVersionRow.version.desc()).limit(1))
        return None if row is None else _version(row)

    async def version(self, name: str, version: int) -> PolicyVersion | None:
        """See `PolicyStore.version`."""
        async with self._db.reading() as session:
            row = await session.get(PolicyVersionRow, (name, version))
        return None if row is None else _version(row)

    async def versions(self, name: str) -> Sequence[PolicyVersion]:
        """See `PolicyStore.versions`."""
        all_of_it = select(PolicyVersionRow).where(PolicyVersionRow.name == name).order_by(PolicyVersionRow.version)
        async with self._db.reading() as session:
            return [_version(row) for row in (await session.scalars(all_of_it)).all()]

    async def add(self, version: PolicyVersion) -> None:
        """See `PolicyStore.add`."""

        async def work(session: AsyncSession) -> None:
            session.add(_version_row(version))
            await session.flush()
            data = PolicyApplied(
                policy=version.name, version=version.version, by=version.created_by, at=version.created_at
            )
            told = Told(
                actor=version.created_by,
                action="policy.apply",
                resource=f"policy:{version.name}",
                details={"version": version.version, "digest": version.source.digest},
                announcement=Announcement(event_type=POLICY_APPLIED, data=data, key=version.name),
            )
            await self._teller.tell(session, told)
            await session.commit()

        try:
            await self._teller.recorded(work)
        except ConstraintViolatedError as error:
            raise PolicyChangedError(version.name) from error

    async def log(self, decision: Decision) -> None:
        """See `PolicyStore.log`."""

        async def work(session: AsyncSession) -> None:
            row = _decision_row(decision)
            session.add(row)
            await session.flush()
            if row.position % _TRIMMED_EVERY == 0:
                await session.execute(
                    delete(PolicyDecisionRow).where(PolicyDecisionRow.position <= row.position - self._kept)
                )
            await session.commit()

        await self._db.retrying(work)

    async def decision(self, decision_id: str, tenant: str | None, *, all_tenants: bool = False) -> Decision | None:
        """See `PolicyStore.decision`."""
        wanted = select(PolicyDecisionRow).where(PolicyDecisionRow.decision_id == decision_id)
        if not all_tenants:
            wanted = wanted.where(PolicyDecisionRow.tenant.is_not_distinct_from(tenant))
        async with self._db.reading() as session:
            row = await session.scalar(wanted)
        return None if row is None else _decision(row)

    async def decisions(
        self, *, policy: str | None, tenant: str | None, all_tenants: bool, before: int | None, limit: int
    ) -> Sequence[tuple[int, Decision]]:
        """See `PolicyStore.decisions`."""
        wanted = select(PolicyDecisionRow).order_by(PolicyDecisionRow.position.desc()).limit(limit)
        if policy is not None:
            wanted = wanted.where(PolicyDecisionRow.policy == policy)
        if not all_tenants:
            wanted = wanted.where(PolicyDecisionRow.tenant.is_not_distinct_from(tenant))
        if before is not None:
            wanted = wanted.where(PolicyDecisionRow.position < before)
        async with self._db.reading() as session:
            return [(row.position, _decision(row)) for row in (await session.scalars(wanted)).all()]


def _version_row(version: PolicyVersion) -> PolicyVersionRow:
    source = version.source
    # JSON escapes what a text column of PostgreSQL cannot hold.
    document = json.dumps([source.text, source.schema, list(source.tests), source.description])
    return PolicyVersionRow(
        name=version.name,
        version=version.version,
        source_json=document,
        created_at=version.created_at,
        created_by=version.created_by,
    )


def _version(row: PolicyVersionRow) -> PolicyVersion:
    text, schema, tests, description = json.loads(row.source_json)
    source = PolicySource(text, schema, tuple(tests), description)
    return PolicyVersion(row.name, row.version, source, row.created_at, row.created_by)


def _decision_row(decision: Decision) -> PolicyDecisionRow:
    return PolicyDecisionRow(
        decision_id=decision.id,
        tenant=decision.tenant,
        policy=decision.policy,
        version=decision.version,
        question_json=json.dumps(write_question(decision.question)),
        outcome=decision.outcome,
        reasons_json=json.dumps([[reason.rule, reason.text] for reason in decision.reasons]),
        asked_by=decision.asked_by,
        decided_at=decision.decided_at,
        trace_id=decision.trace_id,
    )


def _decision(row: PolicyDecisionRow) -> Decision:
    return Decision(
        id=row.decision_id,
        tenant=row.tenant,
        policy=row.policy,
        version=row.version,
        question=read_question(json.loads(row.question_json)),
        outcome=Outcome(row.outcome),
        reasons=tuple(Reason(rule, text) for rule, text in json.loads(row.reasons_json)),
        asked_by=row.asked_by,
        decided_at=row.decided_at,
        trace_id=row.trace_id,
    )
