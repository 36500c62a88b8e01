"""Keeping a running service in the registry: register, renew, register again, deregister."""

import asyncio
import contextlib
import contextvars
import secrets
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, Final

from opentelemetry import trace
from opentelemetry.context import attach

from maestro_core_logging import get_logger

from ._client import APIClient, ClientConfig
from ._config import APIConfig
from ._exceptions import APIException, RemoteAPIException
from ._gateway._announcing import declare
from ._gateway._declaration import Declaration
from ._service_token import ServiceToken
from ._worker import Worker

_FIRST_PAUSE: Final = timedelta(milliseconds=200)
_GOODBYE_LIMIT: Final = timedelta(seconds=2)
_TURN_PAUSE: Final = timedelta(seconds=1)


class Registration:
    """One instance's entry in the registry.

    The registry may be away, forgetful or restarted at any time; the service runs on and the entry comes back.

    Args:
        config: Options of the service.
        url: Address that the service listens on, when it is known.
        worker: This worker, where several share one entry: the one whose turn it is keeps it.
        catalog: Writes what the registry's catalog is told; None for nothing.
        gateway: What the service wants of the gateway; None says nothing about it.
        sleep: Waits some seconds.
    """

    def __init__(
        self,
        config: APIConfig,
        *,
        url: str | None,
        worker: Worker | None = None,
        catalog: Callable[[], dict[str, Any]] | None = None,
        gateway: Declaration | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._config = config
        scheme = "http" if config.tls is None else "https"
        configured = f"{scheme}://{config.host}:{config.port}" if config.port else None
        self._url = config.advertise_url or url or configured
        self._sleep = sleep
        self._worker = worker
        self._gateway = gateway
        instance_id = uuid.uuid4().hex if worker is None else worker.instance_id
        self._path = f"/services/{config.service_name}/instances/{instance_id}"
        self._catalog_path = f"/catalog/{config.service_name}"
        self._catalog = catalog
        self._logger = get_logger(__name__)
        self._registered = False
        # Whether the registry may have an entry that nobody heard of: an answer may be lost or still on its way.
        self._may_be_known = False
        self._in_catalog = catalog is None
        self._calling = asyncio.Lock()
        self._complained = False

    @asynccontextmanager
    async def kept(self, *, until: asyncio.Event | None = None) -> AsyncIterator[None]:
        """Keep the service registered while the block runs; a registry that is away is waited for behind its back.

        Args:
            until: Ends the registration before the block ends: nobody should be sent to a service that is about to stop.

        Yields:
            Nothing; the block begins at once.
        """
        if self._url is None:
            self._logger.warning(
                "Not registering: the address is not known; set advertise_url, or serve with app.run()",
                registry_url=self._config.registry_url,
            )
            yield
            return
        async with self._client() as client:
            keeping = self._keep_until(until or asyncio.Event(), client)
            task = asyncio.create_task(keeping, name="registration", context=_unrecorded())
            try:
                yield
            finally:
                if until is None or not until.is_set():
                    task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
                await self._deregister(client)

    def _client(self) -> APIClient:
        security = self._config.security
        token = None
        if security.jwt_secret_key is not None:
            token = ServiceToken(security.jwt_secret_key, subject=self._config.service_name, issuer=security.issuer)
        # This loop is the retry, and it has pauses of its own; a renewal that hangs longer than the lease is of no use.
        return APIClient(
            self._config.registry_url,
            token=token,
            retries=0,
            timeout=min(self._config.lease, timedelta(seconds=5)),
            config=ClientConfig(circuit=None),
        )

    async def _keep_until(self, until: asyncio.Event, client: APIClient) -> None:
        keeping = asyncio.create_task(self._keep(client))
        leaving = asyncio.create_task(until.wait())
        try:
            await asyncio.wait({keeping, leaving}, return_when=asyncio.FIRST_COMPLETED)
            # A registration that is on its way would arrive after the goodbye if it were given up now.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_GOODBYE_LIMIT.total_seconds()), self._calling:
                    keeping.cancel()
        finally:
            leaving.cancel()
            keeping.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await keeping
        await self._deregister(client)

    async def _keep(self, client: APIClient) -> None:
        while self._worker is not None and not self._worker.has_turn():
            await self._sleep(_TURN_PAUSE.total_seconds())
        renewal_s = self._config.lease.total_seconds() / 3
        pause_s = _FIRST_PAUSE.total_seconds()
        while True:
            try:
                async with self._calling:
                    await self._renew(client)
            except APIException as error:
                # After an outage the registry may have lost the entry; registering again is right in either case.
                self._registered = False
                self._complain(error)
                await self._sleep(min(pause_s, renewal_s))
                pause_s *= 2
            else:
                self._complained = False
                pause_s = _FIRST_PAUSE.total_seconds()
                await self._tell_catalog(client)
                await self._sleep(renewal_s)

    async def _renew(self, client: APIClient) -> None:
        if self._registered:
            try:
                await client.post(f"{self._path}/lease")
            except APIException as error:
                if error.status_code != 404:
                    raise
                self._logger.info("The registry forgot this instance; registering again")
                self._in_catalog = False
            else:
                return
        if self._gateway is not None:
            await declare(client, self._config.service_name, self._config.version, self._gateway)
        await self._register(client)
        self._registered = True
        self._logger.info("Registered", url=self._url, registry_url=self._config.registry_url)

    async def _register(self, client: APIClient) -> None:
        was_known, self._may_be_known = self._may_be_known, True
        try:
            await client.put(self._path, json=self._entry())
        except RemoteAPIException as error:
            if error.status_code < 500:
                self._may_be_known = was_known
            raise

    async def _tell_catalog(self, client: APIClient) -> None:
        if self._in_catalog or self._catalog is None:
            return
        try:
            document = self._catalog()
        except Exception:
            # Whatever is wrong with a document, the service has to stay registered.
            self._logger.exception("What the service says about itself cannot be written; the catalog goes without")
            self._in_catalog = True
            return
        try:
            await client.put(self._catalog_path, json=document)
        except RemoteAPIException as error:
            if error.status_code >= 500:
                return
            # A registry of before there was a catalog; a document that it does not take would not be taken next time either.
            log = self._logger.debug if error.status_code == 404 else self._logger.warning
            log("The registry's catalog does not take what the service says about itself", error=str(error))
        except APIException:
            return
        self._in_catalog = True

    def _entry(self) -> dict[str, Any]:
        config = self._config
        entry = {
            "url": self._url,
            "version": config.version,
            "metadata": {"environment": config.environment},
            "lease_s": config.lease.total_seconds(),
            "zone": config.zone,
            "tags": list(config.tags),
            "health_path": config.health_path,
        }
        return {name: value for name, value in entry.items() if value is not None and value != []}

    def _complain(self, error: APIException) -> None:
        # Once per outage: the loop goes on for as long as it takes, and its log should stay readable.
        log = self._logger.debug if self._complained else self._logger.warning
        log("Registering failed; the service runs on and keeps trying", error=str(error))
        self._complained = True

    async def _deregister(self, client: APIClient) -> None:
        if not self._may_be_known:
            return
        self._registered = self._may_be_known = False
        try:
            async with asyncio.timeout(_GOODBYE_LIMIT.total_seconds()):
                await client.delete(self._path)
        except (APIException, TimeoutError) as error:
            self._logger.warning("Deregistering failed; the lease will run out", error=str(error))


def _unrecorded() -> contextvars.Context:
    """Return a context whose trace nobody records: renewals go on for as long as the service runs, and are nobody's work."""
    context = contextvars.copy_context()
    nobody = trace.SpanContext(
        1 + secrets.randbits(127), 1 + secrets.randbits(63), is_remote=False, trace_flags=trace.TraceFlags(0)
    )
    context.run(attach, trace.set_span_in_context(trace.NonRecordingSpan(nobody)))
    return context
