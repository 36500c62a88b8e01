"""Declarations in the registry's file: the domain's `DeclarationStore`."""

from typing import Final

from pydantic import ValidationError
from sqlalchemy import Column, Integer, MetaData, Table, Text, select

from central_registry.database import RegistryDatabase
from central_registry.domain import StorageCorruptError
from maestro_core_api.gateway import Declaration

from .domain import Versions

_DECLARATIONS: Final = Table(
    "gateway_declarations",
    MetaData(),
    # Versions stay in the order in which they were declared.
    Column("position", Integer, primary_key=True),
    Column("service", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("declaration_json", Text, nullable=False),
)


class SqliteDeclarationStore:
    """Keeps declarations over restarts: a registry that came back without them would close the gateway.

    Args:
        database: The file, open.
    """

    def __init__(self, database: RegistryDatabase) -> None:
        self._database = database

    async def load(self) -> dict[str, Versions]:
        """See `DeclarationStore.load`."""
        wanted = select(_DECLARATIONS).order_by(_DECLARATIONS.c.position)
        async with self._database.transaction() as connection:
            rows = (await connection.execute(wanted)).all()
        kept: dict[str, dict[str, Declaration]] = {}
        for row in rows:
            try:
                declaration = Declaration.model_validate_json(row.declaration_json)
            except ValidationError as error:
                reason = f"what {row.service} {row.version} declares in it cannot be read ({error})"
                raise StorageCorruptError(self._database.path, reason) from error
            kept.setdefault(row.service, {})[row.version] = declaration
        return dict(kept)

    async def replace(self, service: str, versions: Versions) -> None:
        """See `DeclarationStore.replace`."""
        rows = [
            {"service": service, "version": version, "declaration_json": declaration.model_dump_json()}
            for version, declaration in versions.items()
        ]
        async with self._database.transaction() as connection:
            await connection.execute(_DECLARATIONS.delete().where(_DECLARATIONS.c.service == service))
            if rows:
                await connection.execute(_DECLARATIONS.insert(), rows)
