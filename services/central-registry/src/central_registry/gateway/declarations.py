"""Declarations of all services, in memory and on disk."""

import asyncio
from collections.abc import Mapping, Sequence

from central_registry.catalog.domain import CatalogFullError, InvalidEntryError
from central_registry.domain import Fault, Registry, Ticker
from maestro_core_api.gateway import Declaration
from maestro_gateway import EdgeSnapshot, InstanceSnapshot, ServiceSnapshot

from .domain import DeclarationLimits, DeclarationStore, Versions, with_declaration


class Declarations:
    """Knows what services want of the gateway.

    Args:
        store: Keeps it over restarts.
        registry: Knows who is live.
        limits: The bounds.

    Attributes:
        ticker: Ticks when something is declared or forgotten.
    """

    def __init__(self, store: DeclarationStore, registry: Registry, *, limits: DeclarationLimits | None = None) -> None:
        self._store = store
        self._registry = registry
        self._limits = limits or DeclarationLimits()
        self._declarations: Mapping[str, Versions] = {}
        self._changing = asyncio.Lock()
        self.ticker = Ticker()
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
            InvalidEntryError: It is too large.
            CatalogFullError: It would be one service, or one version of it, too many.
            StorageError: It cannot be kept; what was known before still is.
        """
        limits = self._limits
        if (size := len(declaration.model_dump_json().encode())) > limits.max_bytes:
            message = f"has {size} bytes as JSON; at most {limits.max_bytes} are allowed"
            raise InvalidEntryError((Fault("routes", message),))
        async with self._changing:
            versions = self._declarations.get(service, {})
            if versions.get(version) == declaration:
                return False
            if service not in self._declarations and len(self._declarations) >= limits.max_services:
                raise CatalogFullError("services that declare routes", limits.max_services)
            live = {instance.registration.version for instance in self._registry.live().get(service, ())}
            changed = with_declaration(versions, version, declaration, live)
            if len(changed) > limits.max_versions:
                raise CatalogFullError(f"versions of {service} that declare routes", limits.max_versions)
            await self._store.replace(service, changed)
            self._declarations = {**self._declarations, service: changed}
            self.ticker.tick()
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
            await self._store.replace(service, {})
            self._declarations = {name: each for name, each in self._declarations.items() if name != service}
            self.ticker.tick()
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
