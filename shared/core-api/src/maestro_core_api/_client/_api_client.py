"""`APIClient`: how a service, a tool or a test calls a service."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from types import TracebackType
from typing import Any, Self

import httpx2

from maestro_core_api._certificates import trusted_certificates
from maestro_core_api._events import StreamEvent
from maestro_core_api._resolver import LiveInstance, ServiceResolver
from maestro_core_api._service_token import ServiceToken
from maestro_core_config import BaseConfig
from maestro_core_monitoring import MetricsCollector

from ._call import Call, Headers, Params
from ._calling import Calling
from ._config import ClientConfig
from ._destinations import destination, live_instances
from ._event_stream import EventStream
from ._failures import unreachable
from ._metrics import ClientMetrics
from ._outgoing_headers import OutgoingHeaders
from ._pages import items_of_pages
from ._peers import Peers
from ._sending import Sender

_WHOLE_CALL = 10


class APIClient:
    """Calls services over HTTP; an async context manager.

    A URL is absolute (`http://…`), `service://<name>/<path>` (resolved through the registry), or a path under
    `base_url`. An answer that is not 2xx is raised as `RemoteAPIException`, trouble on the way as
    `ServiceUnavailableException`.

    Calls that are idempotent, by their method or an `Idempotency-Key` header, are made again after pauses, as far as the
    service's retry budget goes; a call that never reached an instance goes to the next one whatever its method. A
    service that keeps failing is left alone for a while. The id, the trace and the remaining time of the request being
    served are passed on.

    Example:
        async with APIClient("http://127.0.0.1:8080", token=token) as client:
            runs = (await client.get("/runs")).json()

    Args:
        base_url: Where paths lead, an address or `service://<name>`; None when only whole URLs are used.
        registry_url: Where `service://` is resolved.
        token: Bearer token, or a function that returns one for each call.
        api_key: Sent as `X-API-Key`.
        timeout: Limit for connecting, and for each wait for data.
        retries: How often a failed idempotent call is tried again.
        transport: Replaces the network, for tests.
        metrics: Counts attempts, retries and circuits; None counts nothing.
        config: Everything else.
    """

    def __init__(
        self,
        base_url: str | None = None,
        *,
        registry_url: str | None = None,
        token: str | Callable[[], str] | None = None,
        api_key: str | None = None,
        timeout: timedelta = timedelta(seconds=30),
        retries: int = 3,
        transport: httpx2.AsyncBaseTransport | None = None,
        metrics: MetricsCollector | None = None,
        config: ClientConfig | None = None,
    ) -> None:
        config = config or ClientConfig()
        self._base_url = None if base_url is None else base_url.rstrip("/")
        self._registry_url = None if registry_url is None else registry_url.rstrip("/")
        self._zone = config.zone
        self._transport = transport
        self._limits = httpx2.Limits(
            max_connections=config.max_connections, max_keepalive_connections=config.max_idle_connections
        )
        timeout_s = timeout.total_seconds()
        connect_s = timeout_s if config.connect_timeout is None else config.connect_timeout.total_seconds()
        counted = ClientMetrics(metrics)
        self._sender = Sender(
            ServiceResolver(self._live_instances, avoid_for=config.avoid_for),
            OutgoingHeaders(token=token, api_key=api_key, identity=config.identity),
            httpx2.Timeout(timeout_s, connect=connect_s),
        )
        self._calling = Calling(
            self._sender,
            Peers(config, counted),
            counted,
            retries=retries,
            retry=config.retry,
            total=config.total_timeout or timeout * _WHOLE_CALL,
            deadline=config.deadline,
        )
        self._event_stream = EventStream(self.stream, config.retry)

    @classmethod
    def for_service(cls, config: BaseConfig, /, **options: Any) -> Self:
        """Make the client with which a service calls other services.

        Args:
            config: The calling service's configuration: its registry, its zone, and the key for tokens of its own (subject:
                the service's name, role: `operator`).
            **options: Further arguments of this class; they win over the configuration.

        Returns:
            The client, not yet open.
        """
        defaults: dict[str, Any] = {"registry_url": config.registry_url}
        wanted: ClientConfig = options.pop("config", None) or ClientConfig()
        defaults["config"] = wanted if wanted.zone else wanted.model_copy(update={"zone": config.zone})
        if config.jwt_secret is not None:
            defaults["token"] = ServiceToken(config.jwt_secret, subject=config.service_name)
        return cls(**{**defaults, **options})

    async def __aenter__(self) -> Self:
        if self._sender.http is not None:
            raise RuntimeError("this client is open already; a client is opened once at a time")
        # Services are called directly: a proxy from the environment is for the way out, not for this.
        self._sender.http = httpx2.AsyncClient(
            transport=self._transport, verify=trusted_certificates(), limits=self._limits, trust_env=False
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        http, self._sender.http = self._sender.http, None
        if http is not None:
            await http.aclose()

    async def request(
        self,
        method: str,
        url: str,
        *,
        json: Any = None,
        content: bytes | str | None = None,
        headers: Headers | None = None,
        params: Params | None = None,
    ) -> httpx2.Response:
        """Make a call.

        Args:
            method: HTTP method.
            url: Absolute, `service://` or a path under `base_url`.
            json: Body, any JSON value; None sends no body.
            content: Body as it is, instead of `json`.
            headers: Further headers; they win over those set here.
            params: Query parameters.

        Returns:
            The 2xx answer, read to its end.

        Raises:
            RemoteAPIException: The answer was not 2xx.
            ServiceUnavailableException: No instance could be reached (`SERVICE_UNREACHABLE`), the connection broke, the call
                took too long as a whole (`DEADLINE_EXCEEDED`), or the service is left alone for now (`CIRCUIT_OPEN`).
            ClientNotOpenError: The client is not open.
        """
        return await self._call(Call(method.upper(), url, json, content, headers or {}, params))

    async def get(self, url: str, *, headers: Headers | None = None, params: Params | None = None) -> httpx2.Response:
        """GET; see `request`."""
        return await self.request("GET", url, headers=headers, params=params)

    async def head(self, url: str, *, headers: Headers | None = None, params: Params | None = None) -> httpx2.Response:
        """HEAD; see `request`."""
        return await self.request("HEAD", url, headers=headers, params=params)

    async def post(
        self,
        url: str,
        *,
        json: Any = None,
        content: bytes | str | None = None,
        headers: Headers | None = None,
        params: Params | None = None,
    ) -> httpx2.Response:
        """POST; see `request`."""
        return await self.request("POST", url, json=json, content=content, headers=headers, params=params)

    async def put(
        self,
        url: str,
        *,
        json: Any = None,
        content: bytes | str | None = None,
        headers: Headers | None = None,
        params: Params | None = None,
    ) -> httpx2.Response:
        """PUT; see `request`."""
        return await self.request("PUT", url, json=json, content=content, headers=headers, params=params)

    async def patch(
        self,
        url: str,
        *,
        json: Any = None,
        content: bytes | str | None = None,
        headers: Headers | None = None,
        params: Params | None = None,
    ) -> httpx2.Response:
        """PATCH; see `request`."""
        return await self.request("PATCH", url, json=json, content=content, headers=headers, params=params)

    async def delete(
        self, url: str, *, headers: Headers | None = None, params: Params | None = None
    ) -> httpx2.Response:
        """DELETE; see `request`."""
        return await self.request("DELETE", url, headers=headers, params=params)

    @asynccontextmanager
    async def stream(
        self,
        method: str,
        url: str,
        *,
        json: Any = None,
        content: bytes | str | None = None,
        headers: Headers | None = None,
        params: Params | None = None,
        read_timeout: timedelta | None = None,
    ) -> AsyncIterator[httpx2.Response]:
        """Make a call and read its answer piece by piece.

        Args:
            method: HTTP method.
            url: As for `request`.
            json: As for `request`.
            content: As for `request`.
            headers: As for `request`.
            params: As for `request`.
            read_timeout: Limit for each wait for data; None waits for ever.

        Yields:
            The 2xx answer, not read yet (`aiter_bytes`, `aiter_lines` …).

        Raises:
            RemoteAPIException: The answer was not 2xx.
            ServiceUnavailableException: No instance could be reached, or the connection broke.
            ClientNotOpenError: The client is not open.
        """
        call = Call(method.upper(), url, json, content, headers or {}, params, streams=True, read_timeout=read_timeout)
        response = await self._call(call)
        try:
            yield response
        except (httpx2.TransportError, httpx2.DecodingError) as error:
            raise unreachable(call, str(response.request.url), error) from error
        finally:
            await response.aclose()

    async def stream_events(
        self,
        url: str,
        *,
        method: str = "GET",
        json: Any = None,
        headers: Headers | None = None,
        params: Params | None = None,
        read_timeout: timedelta | None = None,
        reconnects: int = 0,
    ) -> AsyncGenerator[StreamEvent]:
        """Read server-sent events.

        A stream that breaks is opened again behind the last event that had an id, after the pause that the service asks
        for (`retry:`) or a growing one. It is not when events without an id came: nothing would say where to go on.

        Args:
            url: As for `request`.
            method: HTTP method.
            json: As for `request`.
            headers: Further headers; `Last-Event-ID` resumes where the service supports it.
            params: As for `request`.
            read_timeout: Limit for each wait for data; None waits for ever.
            reconnects: How often it is opened again without an event in between.

        Yields:
            One event after the other, until the service ends the stream.

        Raises:
            RemoteAPIException: The answer was not 2xx.
            ServiceUnavailableException: No instance could be reached, the connection broke, or the answer is not an
                event stream.
        """
        events = self._event_stream.read(
            url,
            method=method,
            json=json,
            headers=headers,
            params=params,
            read_timeout=read_timeout,
            reconnects=reconnects,
        )
        async for event in events:
            yield event

    async def pages(
        self,
        url: str,
        *,
        items: str = "items",
        headers: Headers | None = None,
        params: Params | None = None,
    ) -> AsyncGenerator[Any]:
        """Read a listing item by item, however many pages it has.

        Each page is asked for when its first item is; `cursor` takes the `next_cursor` of the page before.

        Args:
            url: Of the listing; as for `request`.
            items: Member of a page that holds the items.
            headers: Further headers.
            params: Query parameters of every page, `limit` for the size of pages among them.

        Yields:
            One item after the other.

        Raises:
            APIException: A page could not be had, or is none.
        """
        async for item in items_of_pages(self.get, url, items=items, headers=headers, params=params):
            yield item

    async def _call(self, call: Call) -> httpx2.Response:
        return await self._calling.call(call, destination(call.url, self._base_url))

    async def _live_instances(self, service: str) -> Sequence[LiveInstance]:
        return await live_instances(service, self._registry_url, self._ask_once, self._zone)

    async def _ask_once(self, url: str) -> httpx2.Response:
        # The registry belongs to the platform, though its address is absolute; the call that waits for it is tried again.
        registry = replace(destination("/", self._registry_url), url=url)
        return await self._calling.call(Call("GET", url), registry, retries=0)
