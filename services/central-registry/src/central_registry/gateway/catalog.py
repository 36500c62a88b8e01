"""Declarations of all services, in memory and on disk."""

import asyncio
from collections.abc import Mapping, Sequence

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
        self._made: tuple[object, object, EdgeSnapshot] | None = None

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
        known = [
            (
                name,
                [
                    (each.registration.instance_id, each.registration.url, each.registration.version)
                    for each in each_live
                ],
            )
            for name, each_live in live.items()
        ]
        # Asked many times a second; only what differs is worth making anew.
        if self._made is None or self._made[0] != known or self._made[1] is not self._declarations:
            self._made = known, self._declarations, self._make(dict(known))
        return self._made[2]

    def _make(self, live: Mapping[str, Sequence[tuple[str, str, str]]]) -> EdgeSnapshot:
        services = [
            ServiceSnapshot(
                name=name,
                declarations=dict(self._declarations.get(name, {})),
                instances=tuple(
                    InstanceSnapshot(instance_id=instance_id, url=url, version=version)
                    for instance_id, url, version in live.get(name, ())
                ),
            )
            for name in sorted({*live, *self._declarations})
        ]
        return EdgeSnapshot(services=tuple(services))

    async def _keep(self, declarations: Mapping[str, Versions]) -> None:
        await self._store.save(declarations)
        self._declarations = declarations
