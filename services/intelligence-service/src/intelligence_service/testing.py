"""What tests of analyses stand on: a model, personas, a clock and a model server that do as they are told."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from fastapi import Request, Response
from pydantic import JsonValue, SecretStr

from intelligence_service.domain.errors import PersonaNotFoundError
from intelligence_service.domain.model import ModelReply, ModelRequest
from intelligence_service.domain.personas import Persona
from maestro_core_api import (
    APIConfig,
    MaestroAPI,
    NotFoundException,
    SecurityConfig,
    ServiceUnavailableException,
    public,
)
from maestro_core_api.testing import running

__all__ = ["FakeClock", "FixedPersonas", "ModelCall", "ModelServer", "Orchestrator", "ScriptedModel"]


class FakeClock:
    """Monotonic seconds that the test moves."""

    def __init__(self) -> None:
        self.now = 1000.0
        """The time it shows."""

    def __call__(self) -> float:
        """Read it.

        Returns:
            Seconds.
        """
        return self.now


class ScriptedModel:
    """A model that gives prepared answers in order. Implements `Model`.

    Args:
        *answers: Texts to answer with, or errors to raise.
        identity: Which model it claims to be.
    """

    def __init__(self, *answers: str | Exception, identity: str = "scripted") -> None:
        self.identity = identity
        self.requests: list[ModelRequest] = []
        """What it was asked."""
        self._answers = list(answers)

    async def complete(self, request: ModelRequest) -> ModelReply:
        """See `Model.complete`."""
        self.requests.append(request)
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return ModelReply(answer, f"{self.identity}-1")


class FixedPersonas:
    """Personas in memory. Implements `PersonaSource`.

    Args:
        *personas: The personas there are.
    """

    def __init__(self, *personas: Persona) -> None:
        self.personas = {persona.name: persona for persona in personas}
        """The personas by name; tests may change it."""

    async def get(self, name: str) -> Persona:
        """See `PersonaSource.get`."""
        if name not in self.personas:
            raise PersonaNotFoundError(name, f"there is no persona {name!r}", sorted(self.personas))
        return self.personas[name]


@dataclass(frozen=True, slots=True)
class ModelCall:
    """A call that `ModelServer` received."""

    path: str
    body: Mapping[str, Any] | None
    authorization: str | None


@dataclass(slots=True)
class ModelServer:
    """An OpenAI-compatible server on a real socket, with prepared answers."""

    calls: list[ModelCall] = field(default_factory=list)
    """What it was asked."""
    models: tuple[str, ...] = ("first", "second")
    """Models that it lists."""
    _answers: list[tuple[int, JsonValue]] = field(default_factory=list)

    def will_say(self, content: str, *, finish_reason: str = "stop") -> None:
        """Prepare a completion.

        Args:
            content: The model's words.
            finish_reason: Why it stopped (`stop`, `length`).
        """
        choice: JsonValue = {"message": {"role": "assistant", "content": content}, "finish_reason": finish_reason}
        self._answers.append((200, {"choices": [choice], "model": "served-1"}))

    def will_answer(self, status: int, body: JsonValue) -> None:
        """Prepare an answer as it is.

        Args:
            status: HTTP status.
            body: JSON body.
        """
        self._answers.append((status, body))

    @asynccontextmanager
    async def running(self) -> AsyncIterator[str]:
        """Serve while the block runs.

        Yields:
            The base URL, with `/v1`.
        """
        app = MaestroAPI(APIConfig(title="Model", service_name="model-server"))

        @app.api_route("/v1/{path:path}", methods=["GET", "POST"])
        @public
        async def any_call(path: str, request: Request) -> Response:
            content = await request.body()
            body = json.loads(content) if content else None
            self.calls.append(ModelCall(path, body, request.headers.get("authorization")))
            listed: JsonValue = {"data": [{"id": name} for name in self.models]}
            status, answer = (200, listed) if path == "models" else self._answers.pop(0)
            return Response(json.dumps(answer), status_code=status, media_type="application/json")

        async with running(app) as url:
            yield f"{url}/v1"


@dataclass(slots=True)
class Orchestrator:
    """The orchestrator's personas, and the registry that leads to them, on one real socket."""

    secret: str
    """Key with which callers sign their tokens."""
    personas: dict[str, JsonValue] = field(default_factory=dict)
    """Documents by name; tests may change it."""
    asked: list[str] = field(default_factory=list)
    """Names that were asked for."""
    failing: bool = False
    """Whether it answers 503, as while it starts or stops."""

    @asynccontextmanager
    async def running(self) -> AsyncIterator[str]:
        """Serve while the block runs.

        Yields:
            The base URL: that of the registry and of the orchestrator.
        """
        security = SecurityConfig(jwt_secret_key=SecretStr(self.secret))
        app = MaestroAPI(APIConfig(title="Orchestrator", service_name="maestro-orchestrator", security=security))

        @app.get("/personas/{name}")
        async def persona(name: str) -> JsonValue:
            self.asked.append(name)
            if self.failing:
                raise ServiceUnavailableException(detail="stopping")
            if name not in self.personas:
                raise NotFoundException(
                    detail=f"there is no persona {name!r}; there are: {', '.join(sorted(self.personas))}",
                    error_code="PERSONA_NOT_FOUND",
                    available=sorted(self.personas),
                )
            return self.personas[name]

        @app.get("/services/{name}")
        async def instances(name: str) -> JsonValue:
            return {"name": name, "instances": [{"url": app.bound_url}]}

        @app.api_route("/services/{path:path}", methods=["PUT", "POST", "DELETE"])
        async def registration(path: str) -> JsonValue:
            return {"path": path}

        async with running(app) as url:
            yield url
