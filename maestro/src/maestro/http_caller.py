"""`call: http` of documents: services through the registry and with a token, everything else as a stranger."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from maestro_core_api import APIClient, APIException, ClientConfig, RemoteAPIException
from maestro_core_config import BaseConfig
from maestro_workflow_engine import WorkflowContextError, step_info
from maestro_workflow_engine.dsl import HttpCallError, HttpRequest, HttpResponse, HttpxCaller

_SERVICE = "service"
_REQUEST_ID = re.compile(r"[A-Za-z0-9._:~@-]{1,128}")


class ServiceHttpCaller:
    """Performs HTTP calls for documents; an async context manager.

    A `service://` target is resolved through the registry and gets the orchestrator's own token, the run's trace and,
    as `x-request-id`, the run's id. Any other target gets what the document says and nothing else: our token never
    leaves the platform, and an answer that redirects to another host is not followed with it.

    Args:
        services: Calls services; not open.
        strangers: Calls everything else; not open.
    """

    def __init__(self, services: APIClient, strangers: HttpxCaller) -> None:
        self._services = services
        self._strangers = strangers

    @classmethod
    def for_service(cls, config: BaseConfig, *, timeout: timedelta) -> Self:
        """Make the caller of a service.

        Args:
            config: The service's configuration.
            timeout: How long to wait for a connection, and then for each part of an answer.

        Returns:
            The caller, not open.
        """
        # No retries here: whether to try again is the document's decision.
        # A run outlives the request that started it, and does not hurry because its caller would have.
        options = ClientConfig(deadline="own")
        services = APIClient.for_service(config, timeout=timeout, retries=0, config=options)
        return cls(services, HttpxCaller(timeout=timeout))

    async def __aenter__(self) -> Self:
        await self._services.__aenter__()
        await self._strangers.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._strangers.__aexit__(kind, error, trace)
        await self._services.__aexit__(kind, error, trace)

    async def call(self, request: HttpRequest) -> HttpResponse:
        """Send a request; see `HttpCaller.call`."""
        if urlsplit(request.url).scheme.lower() != _SERVICE:
            return await self._strangers.call(request)
        try:
            response = await self._services.request(
                request.method, request.url, content=request.content or None, headers=_headers(request)
            )
        except RemoteAPIException as error:
            if error.target != f"{request.method} {request.url}":  # it was the registry that refused
                raise HttpCallError(f"{error.target} answered {error.status_code}: {error}") from error
            return HttpResponse(
                error.status_code,
                {"content-type": "application/problem+json", **error.headers},
                json.dumps(dict(error.problem)).encode() if error.problem else b"",
                error.message if error.problem else "",
            )
        except APIException as error:
            raise HttpCallError(error.detail or str(error)) from error
        return HttpResponse(response.status_code, dict(response.headers), response.content, response.reason_phrase)


def _headers(request: HttpRequest) -> dict[str, str]:
    # APIClient writes Authorization with a capital; a document's own, however written, has to replace it, not join it.
    headers = {
        name.title() if name.lower() == "authorization" else name: text for name, text in request.headers.items()
    }
    if not any(name.lower() == "x-request-id" for name in headers):
        try:
            run_id = step_info().run_id
        except WorkflowContextError:
            return headers
        if _REQUEST_ID.fullmatch(run_id):
            headers["x-request-id"] = run_id
    return headers
