"""Declarations of all services, in memory and on disk."""

import asyncio
from collections.abc import Mapping

from central_registry.domain import Registry
from maestro_core_api.gateway import Declaration
from maestro_gateway import EdgeSnapshot, InstanceSnapshot, ServiceSnapshot

from .domain import DeclarationStore, Versions, with_declaration


class DeclarationCatalog:
    """Knows what services want of the gateway.

    Args:
        store: Keeps it over restarts.
        registry: Knows who is live.
    """

    def __init__(self, store: DeclarationStore, registry: Registry) -> None:
        self._store = store
        self._registry = registry
        self._declarations: Mapping[str, Versions] = {}
        self._changing = asyncio.Lock()

    async def restore(self) -> None:
        """Take up what an earlier process knew.

        Raises:
            StorageError: It cannot be read.
        """
        self._declarations = dict(await self._store.load())

    async def declare(self, service: str, version: str, declaration: Declaration) -> bool:
        """Keep what a version of a service wants.

        Args:
            service: Name of the service.
            version: The version.
            declaration: What it wants.

        Returns:
            Whether that is news.

        Raises:
            StorageError: It cannot be kept; what was known before still is.
        """
        async with self._changing:
            versions = self._declarations.get(service, {})
            if versions.get(version) == declaration:
                return False
            live = {instance.registration.version for instance in self._registry.live().get(service, ())}
            await self._keep({**self._declarations, service: with_declaration(versions, version, declaration, live)})
            return True

    async def forget(self, service: str) -> bool:
        """Take a service out of the gateway.

        Args:
            service: Name of the service.

        Returns:
            Whether it was there.

        Raises:
            StorageError: It is still there.
        """
        async with self._changing:
            if service not in self._declarations:
                return False
            await self._keep({name: each for name, each in self._declarations.items() if name != service})
            return True

    def snapshot(self) -> EdgeSnapshot:
        """Return everything that routes are made from.

        Returns:
            The services that are live or have declared something, by name.
        """
        live = self._registry.live()
        services = []
        for name in sorted({*live, *self._declarations}):
            instances = tuple(
                InstanceSnapshot(
                    instance_id=each.registration.instance_id,
                    url=each.registration.url,
                    version=each.registration.version,
                )
                for each in live.get(name, ())
            )
            services.append(
                ServiceSnapshot(name=name, declarations=dict(self._declarations.get(name, {})), instances=instances)
            )
        return EdgeSnapshot(services=tuple(services))

    async def _keep(self, declarations: Mapping[str, Versions]) -> None:
        await self._store.save(declarations)
        self._declarations = declarations
