"""Triggers in the database."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncSession

from maestro_core_db import Database
from orchestration_gateway.tables import TRIGGERS

from .declaration import DECLARATION
from .sealing import KeysUnreadableError, Seal
from .trigger import Key, Origin, Trigger


class TriggerStore:
    """Keeps the triggers that were declared by a call.

    Args:
        db: The database.
        seal: Encrypts their keys.
    """

    def __init__(self, db: Database, seal: Seal) -> None:
        self._db = db
        self._seal = seal

    async def get(self, name: str) -> Trigger | None:
        """Return a trigger; None when there is none of this name."""
        async with self._db.reading() as session:
            return await self.find(session, name)

    async def find(self, session: AsyncSession, name: str) -> Trigger | None:
        """Return a trigger as a unit of work sees it."""
        row = (await session.execute(select(TRIGGERS).where(TRIGGERS.c.name == name))).one_or_none()
        return None if row is None else self._from_row(row)

    async def all(self, *, kind: str | None = None) -> Sequence[Trigger]:
        """Return the triggers, by name.

        Args:
            kind: Only those of this kind.
        """
        wanted = select(TRIGGERS).order_by(TRIGGERS.c.name)
        if kind is not None:
            wanted = wanted.where(TRIGGERS.c.kind == kind)
        async with self._db.reading() as session:
            return [self._from_row(row) for row in await session.execute(wanted)]

    async def put(self, session: AsyncSession, trigger: Trigger) -> None:
        """Keep a trigger within a unit of work, in the place of one of its name."""
        await session.execute(TRIGGERS.delete().where(TRIGGERS.c.name == trigger.name))
        await session.execute(TRIGGERS.insert().values(self._to_row(trigger)))

    async def remove(self, session: AsyncSession, name: str) -> None:
        """Forget a trigger within a unit of work."""
        await session.execute(TRIGGERS.delete().where(TRIGGERS.c.name == name))

    def _to_row(self, trigger: Trigger) -> dict[str, Any]:
        return {
            "name": trigger.name,
            "tenant": trigger.tenant,
            "kind": trigger.declaration.kind,
            "declaration_json": trigger.declaration.model_dump_json(exclude={"secrets"}),
            "sealed_keys": self._seal.seal(trigger.name, trigger.keys) if trigger.keys else None,
            "revision": trigger.revision,
            "created_at": trigger.created_at,
            "updated_at": trigger.updated_at,
            "updated_by": trigger.updated_by,
        }

    def _from_row(self, row: Row[Any]) -> Trigger:
        keys, problem = self._keys(row)
        return Trigger(
            name=row.name,
            tenant=row.tenant,
            declaration=DECLARATION.validate_json(row.declaration_json),
            origin=Origin.API,
            revision=row.revision,
            created_at=row.created_at,
            updated_at=row.updated_at,
            updated_by=row.updated_by,
            keys=keys,
            keys_problem=problem,
        )

    def _keys(self, row: Row[Any]) -> tuple[tuple[Key, ...], str | None]:
        # One trigger's fault: the others, and whoever would mend this one, must still get at theirs.
        try:
            return self._seal.unseal(row.name, row.sealed_keys), None
        except KeysUnreadableError as error:
            return (), str(error)
