"""What tests of analyses stand on: a model, personas, a clock and a model server that do as they are told."""

import asyncio
import json
import re
import zlib
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from fastapi import Request, Response
from numpy.typing import NDArray
from pydantic import JsonValue, SecretStr
from starlette.responses import StreamingResponse

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

__all__ = ["FakeClock", "FixedPersonas", "ModelCall", "ModelServer", "Orchestrator", "ScriptedModel", "WordEncoder"]


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

    async def stream(self, request: ModelRequest) -> AsyncGenerator[str | ModelReply]:
        """See `Model.stream`: the answer word by word."""
        reply = await self.complete(request)
        for word in reply.text.split(" "):
            yield word
        yield reply


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

    async def all(self) -> list[Persona]:
        """See `PersonaSource.all`."""
        return list(self.personas.values())


class WordEncoder:
    """Encodes texts by the words they share; no weights, and quick. Implements `Encoder`.

    Args:
        name: What it is called.
        width: Length of its vectors.
    """

    def __init__(self, name: str = "words", *, width: int = 64) -> None:
        self.name = name
        self.encoded: list[str] = []
        """What it was given."""
        self._width = width

    def takes(self, text: str) -> bool:
        """See `Encoder.takes`."""
        return 0 < len(text) <= 1_000

    async def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """See `Encoder.encode`."""
        self.encoded += texts
        rows = np.full((len(texts), self._width), 0.01, np.float32)
        for row, text in zip(rows, texts, strict=True):
            for word in re.findall(r"\w+", text.lower()):
                row[zlib.crc32(word.encode()) % self._width] += 1
        scaled: NDArray[np.float32] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        return scaled


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
    always: str | None = None
    """What the model says when nothing is prepared; None: nothing may be asked then."""
    tokens: tuple[int, int] | None = None
    """Tokens of question and answer that it tells of; None tells none."""
    pace: asyncio.Semaphore | None = None
    """Lets one piece of a streamed answer out for each permit; None lets all out at once."""
    left: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when a reader of a streamed answer left before its end."""
    _answers: list[tuple[int, JsonValue]] = field(default_factory=list)

    def will_say(self, content: str, *, finish_reason: str = "stop") -> None:
        """Prepare a completion.

        Args:
            content: The model's words.
            finish_reason: Why it stopped (`stop`, `length`).
        """
        choice: JsonValue = {"message": {"role": "assistant", "content": content}, "finish_reason": finish_reason}
        answer: dict[str, JsonValue] = {"choices": [choice], "model": "served-1"}
        if self.tokens is not None:
            answer["usage"] = {"prompt_tokens": self.tokens[0], "completion_tokens": self.tokens[1]}
        self._answers.append((200, answer))

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
            status, answer = (200, listed) if path == "models" else self._next()
            if status == 200 and body is not None and body.get("stream"):
                return StreamingResponse(self._streamed(answer), media_type="text/event-stream")
            return Response(json.dumps(answer), status_code=status, media_type="application/json")

        async with running(app) as url:
            yield f"{url}/v1"

    def _next(self) -> tuple[int, JsonValue]:
        if not self._answers and self.always is not None:
            self.will_say(self.always)
        return self._answers.pop(0)

    async def _streamed(self, answer: Any) -> AsyncIterator[bytes]:
        choice = answer["choices"][0]
        whole: str = choice["message"]["content"]
        try:
            for at in range(0, len(whole), 4):
                if self.pace is not None:
                    await self.pace.acquire()
                yield self._chunk({"delta": {"content": whole[at : at + 4]}, "finish_reason": None})
            yield self._chunk({"delta": {}, "finish_reason": choice["finish_reason"]}, usage=answer.get("usage"))
            yield b"data: [DONE]\n\n"
        except BaseException:
            self.left.set()
            raise

    def _chunk(self, choice: JsonValue, **more: JsonValue) -> bytes:
        return f"data: {json.dumps({'choices': [choice], 'model': 'served-1', **more})}\n\n".encode()


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

        @app.get("/personas")
        async def personas() -> JsonValue:
            if self.failing:
                raise ServiceUnavailableException(detail="stopping")
            return {"personas": list(self.personas.values())}

        @app.get("/services/{name}")
        async def instances(name: str) -> JsonValue:
            return {"name": name, "instances": [{"url": app.bound_url}]}

        @app.api_route("/services/{path:path}", methods=["PUT", "POST", "DELETE"])
        async def registration(path: str) -> JsonValue:
            return {"path": path}

        async with running(app) as url:
            yield url
