"""How this sub-package is put together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from central_registry.config import CentralRegistryConfig
from central_registry.database import RegistryDatabase
from central_registry.domain import Registry

from .declarations import Declarations
from .discovery import Discovery
from .publisher import EdgePublisher
from .storage import SqliteDeclarationStore


@dataclass(frozen=True, slots=True)
class GatewayRoom:
    """What its endpoints stand on."""

    declarations: Declarations
    """What services want of the gateway."""
    discovery: Discovery
    """Answers gateways."""
    token: str | None
    """What gateways have to show; None where there is no gateway."""


@asynccontextmanager
async def opened_gateway(
    config: CentralRegistryConfig, database: RegistryDatabase, registry: Registry
) -> AsyncIterator[GatewayRoom]:
    """Hold everything open while the block runs.

    Args:
        config: The registry's configuration.
        database: The registry's file.
        registry: Knows who is live.

    Raises:
        StorageError: What was declared cannot be read.
    """
    declarations = Declarations(SqliteDeclarationStore(database), registry)
    await declarations.restore()
    publisher = EdgePublisher(declarations.snapshot, (registry.changes, declarations.ticker))
    token = None if config.gateway_token is None else config.gateway_token.get_secret_value()
    async with publisher.at_work():
        yield GatewayRoom(declarations, Discovery(publisher), token)
