"""HTTP in and out."""

import time
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from intelligence_service.domain.analysis import Analyst
from intelligence_service.domain.errors import IntelligenceError
from intelligence_service.errors import as_api_exception
from maestro_core_api import require_role

router = APIRouter(dependencies=[Depends(require_role("operator"))])


class AnalysisRequest(BaseModel):
    """What is to be analysed, and as whom."""

    model_config = ConfigDict(extra="forbid")

    persona: str = Field(min_length=1, max_length=200)
    """Name of the persona."""
    input: str | dict[str, JsonValue]
    """Text or JSON object."""
    context: dict[str, JsonValue] | None = None
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
    """`recognizer`, `model` or `recognizer+model`."""
    model: str | None
    """The model that had a part in it."""
    cached: bool
    """Whether the answer was remembered."""
    duration_ms: float
    """How long the service took."""


async def _analyst(request: Request) -> Analyst:
    analyst: Analyst = request.state.analyst
    return analyst


@router.post("/analyze")
async def analyze_request(data: AnalysisRequest, analyst: Annotated[Analyst, Depends(_analyst)]) -> AnalysisResponse:
    """Analyse an input by a persona.

    Args:
        data: What is to be analysed, and as whom.
        analyst: Filled in by FastAPI.

    Returns:
        The answer, with confidence and evidence.

    Raises:
        APIException: See `errors`.
    """
    started = time.perf_counter()
    try:
        analysis = await analyst.analyze(data.persona, data.input, data.context)
    except IntelligenceError as error:
        raise as_api_exception(error) from error
    evidence: list[dict[str, Any]] = [dict(item) for item in analysis.evidence]
    return AnalysisResponse(
        persona=analysis.persona,
        persona_version=analysis.persona_version,
        result=analysis.result,
        confidence=analysis.confidence,
        evidence=evidence,
        method=analysis.method.value,
        model=analysis.model,
        cached=analysis.cached,
        duration_ms=round((time.perf_counter() - started) * 1000, 3),
    )
