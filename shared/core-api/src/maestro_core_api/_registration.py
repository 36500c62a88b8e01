"""Keeping a running service in the registry: register, renew, register again, deregister."""

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, Final

from maestro_core_logging import get_logger

from ._client import APIClient, ClientConfig
from ._config import APIConfig
from ._exceptions import APIException
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
        gateway: What the service wants of the gateway; None says nothing about it.
        sleep: Waits some seconds.
    """

    def __init__(
        self,
        config: APIConfig,
        *,
        url: str | None,
        worker: Worker | None = None,
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
        self._logger = get_logger(__name__)
        self._registered = False
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
            task = asyncio.create_task(self._keep_until(until or asyncio.Event(), client), name="registration")
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
                await self._sleep(renewal_s)

    async def _renew(self, client: APIClient) -> None:
        if self._registered:
            try:
                await client.post(f"{self._path}/lease")
            except APIException as error:
                if error.status_code != 404:
                    raise
                self._logger.info("The registry forgot this instance; registering again")
            else:
                return
        if self._gateway is not None:
            await declare(client, self._config.service_name, self._config.version, self._gateway)
        await client.put(self._path, json=self._entry())
        self._registered = True
        self._logger.info("Registered", url=self._url, registry_url=self._config.registry_url)

    def _entry(self) -> dict[str, Any]:
        return {
            "url": self._url,
            "version": self._config.version,
            "metadata": {"environment": self._config.environment},
            "lease_s": self._config.lease.total_seconds(),
        }

    def _complain(self, error: APIException) -> None:
        # Once per outage: the loop goes on for as long as it takes, and its log should stay readable.
        log = self._logger.debug if self._complained else self._logger.warning
        log("Registering failed; the service runs on and keeps trying", error=str(error))
        self._complained = True

    async def _deregister(self, client: APIClient) -> None:
        if not self._registered:
            return
        self._registered = False
        try:
            async with asyncio.timeout(_GOODBYE_LIMIT.total_seconds()):
                await client.delete(self._path)
        except (APIException, TimeoutError) as error:
            self._logger.warning("Deregistering failed; the lease will run out", error=str(error))
