"""HTTP in and out: analyses and personas. The other subjects have an `api` of their own."""

import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field, JsonValue
from starlette.responses import StreamingResponse

from intelligence_service.domain.analysis import Analysis
from intelligence_service.domain.analyst import Analyst
from intelligence_service.domain.conversation import AskedAgain
from intelligence_service.domain.errors import IntelligenceError
from intelligence_service.domain.personas import Persona, PersonaSource
from intelligence_service.errors import as_api_exception
from intelligence_service.event_stream import EventStream
from intelligence_service.tenancy import Tenant
from intelligence_service.texts import Writable
from maestro_core_api import require_role
from maestro_core_db import DatabaseError

router = APIRouter()
_LONGEST_NAME = 200


class AnalysisRequest(BaseModel):
    """What is to be analysed, and as whom."""

    model_config = ConfigDict(extra="forbid")

    persona: str = Field(min_length=1, max_length=_LONGEST_NAME)
    """Name of the persona."""
    input: Writable[str | dict[str, JsonValue]]
    """Text or JSON object."""
    context: Writable[dict[str, JsonValue] | None] = None
    """What else the persona may need to know."""


class AnalysisResponse(BaseModel):
    """The answer and where it comes from."""

    persona: str
    persona_version: str
    result: JsonValue
    """Obeys the persona's `output_schema`."""
    confidence: float | None
    """0 to 1; null when nothing is known about it."""
    evidence: list[dict[str, JsonValue]]
    method: str
    """`recognizer`, `model`, `recognizer+model` or `learned`."""
    model: str | None
    """The model that had a part in it."""
    cached: bool
    """Whether the answer was remembered."""
    duration_ms: float
    """How long the service took."""


class PersonaView(BaseModel):
    """A persona, as the orchestrator describes it."""

    name: str
    version: str
    title: str
    description: str
    output_schema: dict[str, JsonValue]
    recognizer: str | None
    learns: bool
    """Whether it can be taught: what compares does not learn."""


async def _analyst(request: Request) -> Analyst:
    analyst: Analyst = request.state.analyst
    return analyst


async def _personas(request: Request) -> PersonaSource:
    personas: PersonaSource = request.state.personas
    return personas


@router.post("/analyze", dependencies=[Depends(require_role("operator"))])
async def analyze_request(
    data: AnalysisRequest, analyst: Annotated[Analyst, Depends(_analyst)], tenant: Tenant
) -> AnalysisResponse:
    """Analyse an input by a persona.

    Args:
        data: What is to be analysed, and as whom.
        analyst: Filled in by FastAPI.
        tenant: Filled in by FastAPI.

    Returns:
        The answer, with confidence and evidence.

    Raises:
        APIException: See `errors`.
    """
    started = time.perf_counter()
    try:
        analysis = await analyst.analyze(data.persona, data.input, data.context, tenant=tenant)
    except IntelligenceError as error:
        raise as_api_exception(error) from error
    return _response(analysis, started)


@router.post(
    "/analyze/stream",
    dependencies=[Depends(require_role("operator"))],
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}},
)
async def stream_analysis(
    data: AnalysisRequest, analyst: Annotated[Analyst, Depends(_analyst)], tenant: Tenant
) -> EventStream:
    """Analyse an input by a persona and send the model's words as they come.

    Events: `piece` `{text}`; `again` `{faults}`, after which the pieces begin anew; last `result`, the same as `/analyze` answers,
    or `error`, a problem document. Closing the connection ends the model's work.

    Args:
        data: What is to be analysed, and as whom.
        analyst: Filled in by FastAPI.
        tenant: Filled in by FastAPI.

    Returns:
        The events. What fails before the first one is answered with its own status.

    Raises:
        APIException: See `errors`.
    """
    started = time.perf_counter()
    answers = analyst.stream(data.persona, data.input, data.context, tenant=tenant)
    try:
        first = await anext(answers)
    except IntelligenceError as error:
        raise as_api_exception(error) from error
    return EventStream(_events(first, answers, started))


@router.get("/personas/{name}", dependencies=[Depends(require_role("viewer"))])
async def persona(name: str, personas: Annotated[PersonaSource, Depends(_personas)]) -> PersonaView:
    """Show a persona as this service uses it.

    Args:
        name: Its name.
        personas: Filled in by FastAPI.

    Returns:
        The persona, without its prompt.

    Raises:
        APIException: There is none, or the orchestrator is away.
    """
    try:
        return _persona_view(await personas.get(name))
    except IntelligenceError as error:
        raise as_api_exception(error) from error


@router.get("/personas", dependencies=[Depends(require_role("viewer"))])
async def list_personas(personas: Annotated[PersonaSource, Depends(_personas)]) -> dict[str, list[PersonaView]]:
    """List the personas.

    Args:
        personas: Filled in by FastAPI.

    Returns:
        All personas of the orchestrator, without their prompts.

    Raises:
        APIException: The orchestrator is away.
    """
    try:
        return {"personas": [_persona_view(each) for each in await personas.all()]}
    except IntelligenceError as error:
        raise as_api_exception(error) from error


async def _events(
    first: str | AskedAgain | Analysis, rest: AsyncGenerator[str | AskedAgain | Analysis], started: float
) -> AsyncGenerator[tuple[str, Mapping[str, Any]]]:
    async with aclosing(rest):
        yield _event(first, started)
        try:
            async for item in rest:
                yield _event(item, started)
        except (IntelligenceError, DatabaseError) as error:
            refused = as_api_exception(error)
            yield (
                "error",
                {"status": refused.status_code, "error_code": refused.error_code, "detail": refused.detail},
            )


def _event(item: str | AskedAgain | Analysis, started: float) -> tuple[str, Mapping[str, Any]]:
    if isinstance(item, str):
        return "piece", {"text": item}
    if isinstance(item, AskedAgain):
        return "again", {"faults": [{"path": fault.path, "message": fault.message} for fault in item.faults]}
    return "result", _response(item, started).model_dump(mode="json")


def _response(analysis: Analysis, started: float) -> AnalysisResponse:
    return AnalysisResponse(
        persona=analysis.persona,
        persona_version=analysis.persona_version,
        result=analysis.result,
        confidence=analysis.confidence,
        evidence=[dict(item) for item in analysis.evidence],
        method=analysis.method.value,
        model=analysis.model,
        cached=analysis.cached,
        duration_ms=round((time.perf_counter() - started) * 1000, 3),
    )


def _persona_view(persona: Persona) -> PersonaView:
    return PersonaView(
        name=persona.name,
        version=persona.version,
        title=persona.title,
        description=persona.description,
        output_schema=persona.output_schema,
        recognizer=persona.recognizer,
        learns=persona.recognizer is None,
    )
