"""Scorecards in the database."""

import json
from collections.abc import Sequence
from dataclasses import asdict

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from governance_service.scorecards.domain import Attestation, Point, Result, Scorecard, State
from governance_service.scorecards.tables import AttestationRow, ScorecardRow
from governance_service.telling import Teller, Told
from maestro_core_db import Database


class DatabaseScorecards:
    """A `ScorecardStore`.

    Args:
        db: The database.
        teller: Tells what is vouched for.
        kept: How many scorecards of a service are kept.
    """

    def __init__(self, db: Database, teller: Teller, *, kept: int) -> None:
        self._db = db
        self._teller = teller
        self._kept = kept

    async def add(self, scorecard: Scorecard) -> None:
        """See `ScorecardStore.add`."""

        async def work(session: AsyncSession) -> None:
            session.add(
                ScorecardRow(
                    service=scorecard.service,
                    taken_at=scorecard.taken_at,
                    score=scorecard.score,
                    results_json=json.dumps([asdict(result) for result in scorecard.results]),
                )
            )
            await session.flush()
            of_it = ScorecardRow.service == scorecard.service
            newest = select(ScorecardRow.id).where(of_it).order_by(ScorecardRow.id.desc())
            oldest_kept = await session.scalar(newest.offset(self._kept - 1).limit(1))
            if oldest_kept is not None:
                await session.execute(delete(ScorecardRow).where(of_it, ScorecardRow.id < oldest_kept))
            await session.commit()

        await self._db.retrying(work)

    async def latest(self) -> Sequence[Scorecard]:
        """See `ScorecardStore.latest`."""
        newest = select(func.max(ScorecardRow.id)).group_by(ScorecardRow.service)
        wanted = select(ScorecardRow).where(ScorecardRow.id.in_(newest)).order_by(ScorecardRow.service)
        async with self._db.reading() as session:
            return [_scorecard(row) for row in (await session.scalars(wanted)).all()]

    async def latest_of(self, service: str) -> Scorecard | None:
        """See `ScorecardStore.latest_of`."""
        wanted = select(ScorecardRow).where(ScorecardRow.service == service).order_by(ScorecardRow.id.desc()).limit(1)
        async with self._db.reading() as session:
            row = await session.scalar(wanted)
        return None if row is None else _scorecard(row)

    async def trend(self, service: str, limit: int) -> Sequence[Point]:
        """See `ScorecardStore.trend`."""
        wanted = (
            select(ScorecardRow.taken_at, ScorecardRow.score)
            .where(ScorecardRow.service == service)
            .order_by(ScorecardRow.id.desc())
            .limit(limit)
        )
        async with self._db.reading() as session:
            return [Point(taken_at, score) for taken_at, score in (await session.execute(wanted)).all()]

    async def attest(self, service: str, attestation: Attestation) -> None:
        """See `ScorecardStore.attest`."""

        async def work(session: AsyncSession) -> None:
            await session.merge(
                AttestationRow(
                    service=service,
                    check=attestation.check,
                    passed=attestation.passed,
                    evidence=attestation.evidence,
                    url=attestation.url,
                    by=attestation.by,
                    at=attestation.at,
                    expires_at=attestation.expires_at,
                )
            )
            told = Told(
                actor=attestation.by,
                action="scorecard.attest",
                resource=f"service:{service}",
                details={"check": attestation.check, "passed": attestation.passed, "evidence": attestation.evidence},
            )
            await session.flush()
            await self._teller.tell(session, told)
            await session.commit()

        await self._teller.recorded(work)

    async def attestations(self, service: str) -> dict[str, Attestation]:
        """See `ScorecardStore.attestations`."""
        async with self._db.reading() as session:
            rows = (await session.scalars(select(AttestationRow).where(AttestationRow.service == service))).all()
        return {row.check: _attestation(row) for row in rows}


def _scorecard(row: ScorecardRow) -> Scorecard:
    results = [Result(**{**result, "state": State(result["state"])}) for result in json.loads(row.results_json)]
    return Scorecard(row.service, row.taken_at, tuple(results))


def _attestation(row: AttestationRow) -> Attestation:
    return Attestation(row.check, row.passed, row.evidence, row.by, row.at, row.expires_at, row.url)
