"""The short way of a start: `POST /runs` is what the orchestrator is asked most."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.requests import ClientDisconnect

from maestro.api.start_requests import StartRequest
from maestro.api.state import OPERATOR_ROLE
from maestro_core_api import current_principal


class StartRoute(APIRoute):
    """A route that calls its endpoint without FastAPI's solving of dependencies, where there is nothing to say against it.

    It is declared and documented like any other route, of an endpoint that takes `data` and `runs`. What is not plainly
    well-formed and allowed goes FastAPI's own way, so that every refusal says what it would say anywhere else.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler, FastAPI's own behind ours."""
        usual, endpoint = super().get_route_handler(), self.endpoint

        async def handle(request: Request) -> Response:
            if not (await current_principal(request)).has_role(OPERATOR_ROLE):
                return await usual(request)
            data = await _well_formed(request)
            if data is None:
                return await usual(request)
            answer: Response = await endpoint(data=data, runs=request.state.runs)
            return answer

        return handle


async def _well_formed(request: Request) -> StartRequest | None:
    if request.headers.get("content-type") != "application/json":
        return None
    try:
        return StartRequest.model_validate(json.loads(await request.body()))
    except (ValueError, RecursionError, ClientDisconnect):
        return None
