"""Asking instances for their health."""

import asyncio
import socket
import ssl
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import httpx2

from central_registry.domain import Health, Instance, InstanceKey, Registry, Selection, why_not_probed
from maestro_core_api import running_task, trusted_certificates
from maestro_core_logging import get_logger

_ROUND: Final = timedelta(milliseconds=250)
_EVERYONE: Final = Selection(with_unhealthy=True)


class Prober:
    """Probes the instances that want it, each at its own pace, a bounded number at a time.

    Only registered addresses are asked, with GET and without credentials; redirects are not followed, of an answer nothing but
    the status is read, and addresses that no service has (link-local ones, for a cloud's metadata) are not asked, also when a
    name leads there.

    Args:
        registry: The registry.
        concurrency: How many probes are under way at a time.
        stall: A probe that took so much longer than it may says more about this process than about the instance.
        ca_file: Certificates that instances with https are checked against; None takes those of the system.
        monotonic: Seconds that never go back.
    """

    def __init__(
        self,
        registry: Registry,
        *,
        concurrency: int = 32,
        stall: timedelta = timedelta(seconds=3),
        ca_file: Path | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._registry = registry
        self._concurrency = concurrency
        self._stall_s = stall.total_seconds()
        self._ca_file = ca_file
        self._monotonic = monotonic
        self._known_at = -1
        self._probed: dict[InstanceKey, Instance] = {}
        self._due: dict[InstanceKey, float] = {}
        self._under_way: dict[InstanceKey, asyncio.Task[None]] = {}
        self._logger = get_logger(__name__)

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """Probe while the block runs.

        Yields:
            Nothing.
        """
        verify = (
            trusted_certificates() if self._ca_file is None else ssl.create_default_context(cafile=str(self._ca_file))
        )
        # A connection for each probe: one that is kept says that a process is there, not that it can be reached.
        limits = httpx2.Limits(max_connections=self._concurrency, max_keepalive_connections=0)
        async with httpx2.AsyncClient(verify=verify, limits=limits, trust_env=False, follow_redirects=False) as http:
            try:
                async with running_task(self._work(http), name="probing"):
                    yield
            finally:
                under_way = tuple(self._under_way.values())
                for probe in under_way:
                    probe.cancel()
                await asyncio.gather(*under_way, return_exceptions=True)

    async def _work(self, http: httpx2.AsyncClient) -> None:
        while True:
            self._begin_due(http)
            await asyncio.sleep(_ROUND.total_seconds())

    def _begin_due(self, http: httpx2.AsyncClient) -> None:
        now = self._monotonic()
        if self._known_at != self._registry.changes.position:
            self._known_at = self._registry.changes.position
            self._probed = {
                instance.key: instance
                for instances in self._registry.live(_EVERYONE).values()
                for instance in instances
                if instance.registration.health_check is not None
            }
        probed = self._probed
        self._due = {key: self._due.get(key, now) for key in probed}
        waiting = sorted((due, key) for key, due in self._due.items() if due <= now and key not in self._under_way)
        for _, key in waiting[: self._concurrency - len(self._under_way)]:
            task = asyncio.create_task(self._probe(http, probed[key]))
            self._under_way[key] = task
            task.add_done_callback(partial(self._forget, key))

    def _forget(self, key: InstanceKey, _: "asyncio.Task[None]") -> None:
        self._under_way.pop(key, None)

    async def _probe(self, http: httpx2.AsyncClient, instance: Instance) -> None:
        check = instance.registration.health_check
        if check is None:
            return
        began = self._monotonic()
        failure = await self._failure(http, instance, check.path, check.timeout.total_seconds())
        ended = self._monotonic()
        self._due[instance.key] = max(began + check.interval.total_seconds(), ended)
        if ended - began > check.timeout.total_seconds() + self._stall_s:
            return
        after = self._registry.note_probe(instance, failure)
        if after is not None:
            is_hidden = after.health.status is Health.UNHEALTHY
            log = self._logger.warning if is_hidden else self._logger.info
            log(
                "Instance hidden: its probes fail" if is_hidden else "Instance shown again: its probes pass",
                instance_of=instance.key.service,
                instance_id=instance.key.instance_id,
                url=instance.registration.url,
                reason=failure,
            )

    async def _failure(self, http: httpx2.AsyncClient, instance: Instance, path: str, timeout_s: float) -> str | None:
        try:
            async with asyncio.timeout(timeout_s):
                request = await _request(http, instance.registration.url.rstrip("/") + path)
                answer = await http.send(request, stream=True)
                await answer.aclose()
        except TimeoutError:
            return f"no answer within {timeout_s:g} s"
        except _NotAskedError as error:
            return str(error)
        except socket.gaierror:
            return "the name of its host is not known"
        except (httpx2.HTTPError, OSError, ValueError) as error:
            return _reason(error)
        return None if answer.is_success else f"status {answer.status_code}"


class _NotAskedError(Exception):
    """An address that is not probed."""


async def _request(http: httpx2.AsyncClient, url: str) -> httpx2.Request:
    """Make the request to the very address that was looked at: a name could lead elsewhere when it is resolved again."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = [str(address[0]) for *_, address in found]
    for address in addresses:
        if (reason := why_not_probed(address)) is not None:
            raise _NotAskedError(reason)
    # Names of this machine often have an IPv6 address that nothing listens on.
    chosen = min(addresses, key=lambda address: ":" in address)
    netloc = f"[{chosen}]:{port}" if ":" in chosen else f"{chosen}:{port}"
    return http.build_request(
        "GET",
        parts._replace(netloc=netloc).geturl(),
        headers={"Host": parts.netloc, "User-Agent": "maestro-central-registry"},
        extensions={"sni_hostname": host},
        timeout=None,
    )


def _reason(error: Exception) -> str:
    match error:
        case httpx2.ConnectError():
            return "it takes no connection"
        case httpx2.RemoteProtocolError() | httpx2.ReadError():
            return "it closed the connection without an answer"
        case _:
            return f"it cannot be asked ({type(error).__name__})"
