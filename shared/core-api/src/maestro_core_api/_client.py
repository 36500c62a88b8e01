"""`APIClient`: how a service, a tool or a test calls a service."""

import json as jsonlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import urlsplit

import httpx2
import stamina
from opentelemetry import trace
from opentelemetry.trace import SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from maestro_core_config import BaseConfig

from ._errors import ClientNotOpenError
from ._events import StreamEvent
from ._exceptions import APIException, BadGatewayException, RemoteAPIException, ServiceUnavailableException
from ._request_info import current_request
from ._resolver import SCHEME, ServiceResolver
from ._service_token import ServiceToken

_IDEMPOTENT: Final = frozenset({"GET", "HEAD", "PUT", "DELETE", "OPTIONS"})
_WORTH_RETRYING: Final = frozenset({429, 502, 503, 504})
_LONGEST_RETRY_AFTER: Final = timedelta(seconds=10)
_PROPAGATOR: Final = TraceContextTextMapPropagator()
_NEVER_CONNECTED: Final = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)

Headers = Mapping[str, str]
Params = Mapping[str, Any]


class APIClient:
    """Calls services over HTTP; an async context manager.

    A URL is absolute (`http://…`), `service://<name>/<path>` (resolved through the registry), or a path under
    `base_url`. An answer that is not 2xx is raised as `RemoteAPIException`, trouble on the way as
    `ServiceUnavailableException`. Idempotent methods are tried again with growing pauses; a call that never reached an
    instance goes to the next one whatever its method. The id and the trace of the request being served are passed on.

    Example:
        async with APIClient("http://127.0.0.1:8080", token=token) as client:
            runs = (await client.get("/runs")).json()

    Args:
        base_url: Where paths lead; None when only whole URLs are used.
        registry_url: Where `service://` is resolved.
        token: Bearer token, or a function that returns one for each call.
        timeout: Limit for connecting, and for each wait for data.
        retries: How often a failed idempotent call is tried again.
        transport: Replaces the network, for tests.
    """

    def __init__(
        self,
        base_url: str | None = None,
        *,
        registry_url: str | None = None,
        token: str | Callable[[], str] | None = None,
        timeout: timedelta = timedelta(seconds=30),
        retries: int = 3,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        self._base_url = None if base_url is None else base_url.rstrip("/")
        self._registry_url = None if registry_url is None else registry_url.rstrip("/")
        self._token = token
        self._timeout = httpx2.Timeout(timeout.total_seconds())
        self._retries = retries
        self._transport = transport
        self._http: httpx2.AsyncClient | None = None
        self._resolver = ServiceResolver(self._live_instances)
        self._tracer = trace.get_tracer("maestro_core_api")

    @classmethod
    def for_service(cls, config: BaseConfig, **options: Any) -> Self:
        """Make the client with which a service calls other services.

        Args:
            config: The calling service's configuration: its registry, and the key for tokens of its own (subject: the
                service's name, role: `operator`).
            **options: Further arguments of this class; they win over the configuration.

        Returns:
            The client, not yet open.
        """
        defaults: dict[str, Any] = {"registry_url": config.registry_url}
        if config.jwt_secret is not None:
            defaults["token"] = ServiceToken(config.jwt_secret, subject=config.service_name)
        return cls(**{**defaults, **options})

    async def __aenter__(self) -> Self:
        # Services are called directly: a proxy from the environment is for the way out, not for this.
        self._http = httpx2.AsyncClient(timeout=self._timeout, transport=self._transport, trust_env=False)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._http is not None:
            await self._http.aclose()
            self._http = None

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
            ServiceUnavailableException: No instance could be reached, or the connection broke.
            ClientNotOpenError: The client is not open.
        """
        call = _Call(method.upper(), url, json, content, headers or {}, params)
        return await self._send_with_retries(call, stream=False)

    async def get(self, url: str, *, headers: Headers | None = None, params: Params | None = None) -> httpx2.Response:
        """GET; see `request`."""
        return await self.request("GET", url, headers=headers, params=params)

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
        call = _Call(method.upper(), url, json, content, headers or {}, params)
        response = await self._send_with_retries(call, stream=True, read_timeout=read_timeout)
        try:
            yield response
        except httpx2.TransportError as error:
            raise _unreachable(call, str(response.request.url), error) from error
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
    ) -> AsyncGenerator[StreamEvent]:
        """Read server-sent events.

        Args:
            url: As for `request`.
            method: HTTP method.
            json: As for `request`.
            headers: Further headers; `Last-Event-ID` resumes where the service supports it.
            params: As for `request`.
            read_timeout: Limit for each wait for data; None waits for ever.

        Yields:
            One event after the other, until the service ends the stream.

        Raises:
            RemoteAPIException: The answer was not 2xx.
            ServiceUnavailableException: No instance could be reached, the connection broke, or the answer is not an
                event stream.
        """
        accept = {"Accept": "text/event-stream", "Cache-Control": "no-cache", **(headers or {})}
        opened = self.stream(method, url, json=json, headers=accept, params=params, read_timeout=read_timeout)
        async with opened as response:
            async for event in httpx2.EventSource(response):
                yield StreamEvent(event.id or None, event.event, event.data)

    async def _send_with_retries(
        self, call: "_Call", *, stream: bool, read_timeout: timedelta | None = None
    ) -> httpx2.Response:
        timeout = self._timeout
        if stream:
            limit = None if read_timeout is None else read_timeout.total_seconds()
            timeout = httpx2.Timeout(timeout.connect, read=limit)
        attempts = self._retries + 1 if call.method in _IDEMPOTENT else 1
        with self._tracer.start_as_current_span(
            call.method,
            kind=SpanKind.CLIENT,
            attributes={"http.request.method": call.method, "url.full": call.url.partition("?")[0]},
            record_exception=False,
        ) as span:
            try:
                async for attempt in stamina.retry_context(on=_pause, attempts=attempts, timeout=None, wait_jitter=0.1):
                    with attempt:
                        response = await self._send(call, stream=stream, timeout=timeout)
            except APIException as error:
                span.set_attribute("error.type", error.error_code)
                raise
            span.set_attribute("http.response.status_code", response.status_code)
        return response

    async def _send(self, call: "_Call", *, stream: bool, timeout: httpx2.Timeout) -> httpx2.Response:
        if self._http is None:
            raise ClientNotOpenError("open the client first: async with APIClient(...) as client")
        unreachable: httpx2.TransportError | None = None
        target = call.url
        for target in await self._targets(call.url):
            request = self._http.build_request(
                call.method,
                target,
                json=call.json,
                content=call.content,
                params=call.params,
                headers=self._headers(call.headers),
                timeout=timeout,
            )
            try:
                response = await self._http.send(request, stream=stream)
            except _NEVER_CONNECTED as error:
                # Nothing was sent, so the next instance may be asked even when the call is not idempotent.
                unreachable = error
                self._resolver.forget(call.url)
                continue
            except httpx2.TransportError as error:
                raise _unreachable(call, target, error) from error
            if response.is_success:
                return response
            await response.aread()
            await response.aclose()
            raise RemoteAPIException(
                f"{call.method} {call.url}",
                status_code=response.status_code,
                problem=_problem(response),
                headers={"Retry-After": after} if (after := response.headers.get("retry-after")) else None,
            )
        assert unreachable is not None
        raise _unreachable(call, target, unreachable) from unreachable

    async def _targets(self, url: str) -> Sequence[str]:
        scheme = urlsplit(url).scheme
        if scheme == SCHEME:
            return await self._resolver.resolve(url)
        if scheme in ("http", "https"):
            return (url,)
        if self._base_url is None:
            raise ValueError(f"{url!r} is a path, and this client has no base_url")
        return (f"{self._base_url}/{url.lstrip('/')}",)

    async def _live_instances(self, service: str) -> Sequence[str]:
        if self._registry_url is None:
            raise ServiceUnavailableException(
                detail=f"service://{service} cannot be resolved without a registry: set registry_url",
                error_code="REGISTRY_NOT_CONFIGURED",
            )
        call = _Call("GET", f"{self._registry_url}/services/{service}")
        try:
            response = await self._send(call, stream=False, timeout=self._timeout)
        except RemoteAPIException as error:
            if error.status_code != 404:
                raise
            raise _no_instance(service, self._registry_url) from error
        try:
            urls = [str(instance["url"]) for instance in response.json()["instances"]]
        except (KeyError, TypeError, ValueError) as error:
            raise BadGatewayException(
                detail=f"{self._registry_url} does not answer like a registry", error_code="REGISTRY_UNUSABLE"
            ) from error
        if not urls:
            raise _no_instance(service, self._registry_url)
        return urls

    def _headers(self, given: Headers) -> dict[str, str]:
        headers: dict[str, str] = {"Accept": "application/json, application/problem+json"}
        if self._token is not None:
            headers["Authorization"] = f"Bearer {self._token() if callable(self._token) else self._token}"
        if (info := current_request.get()) is not None:
            headers["x-request-id"] = info.request_id
        _PROPAGATOR.inject(headers)
        return {**headers, **given}


@dataclass(frozen=True, slots=True)
class _Call:
    """One call as it was asked for, before it is known who answers it."""

    method: str
    url: str
    json: Any = None
    content: bytes | str | None = None
    headers: Headers = field(default_factory=dict)
    params: Params | None = None


def _pause(error: Exception) -> bool | timedelta:
    """Decide whether to try again, and after how long when the service said so."""
    if not isinstance(error, APIException) or error.status_code not in _WORTH_RETRYING:
        return False
    asked = error.headers.get("Retry-After", "")
    return min(timedelta(seconds=int(asked)), _LONGEST_RETRY_AFTER) if asked.isdigit() else True


def _problem(response: httpx2.Response) -> dict[str, Any]:
    try:
        document = response.json()
    except (jsonlib.JSONDecodeError, UnicodeDecodeError):
        return {}
    return document if isinstance(document, dict) else {}


def _unreachable(call: _Call, target: str, error: httpx2.TransportError) -> ServiceUnavailableException:
    reason = str(error) or type(error).__name__
    via = f" (for {call.url})" if call.url.startswith(f"{SCHEME}:") else ""
    return ServiceUnavailableException(
        detail=f"{call.method} {target}{via}: {reason}", error_code="SERVICE_UNREACHABLE", target=target
    )


def _no_instance(service: str, registry_url: str) -> ServiceUnavailableException:
    return ServiceUnavailableException(
        detail=f"the registry at {registry_url} knows no live instance of {service}",
        error_code="NO_LIVE_INSTANCE",
        service=service,
    )
