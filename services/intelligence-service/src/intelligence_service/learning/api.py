"""HTTP in and out: teach, list, correct, forget."""

import json
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from intelligence_service.domain.answers import UNWRITABLE, is_writable
from intelligence_service.domain.errors import Fault, InputInvalidError, IntelligenceError
from intelligence_service.domain.learning import canonical
from intelligence_service.errors import as_api_exception
from intelligence_service.learning.calibration import NEVER
from intelligence_service.learning.domain import Example, Partition, Taught
from intelligence_service.learning.memory import PersonaState
from intelligence_service.learning.teaching import Lesson, Teacher
from intelligence_service.tenancy import Tenant
from intelligence_service.texts import Writable
from maestro_core_api import Principal, require_role

router = APIRouter()
_MOST_AT_ONCE = 500
_Viewer = Annotated[Principal, Depends(require_role("viewer"))]
_Operator = Annotated[Principal, Depends(require_role("operator"))]
_Admin = Annotated[Principal, Depends(require_role("admin"))]
PersonaName = Annotated[str, Field(min_length=1, max_length=200)]


class LessonBody(BaseModel):
    """A question and the answer that is right."""

    model_config = ConfigDict(extra="forbid")

    input: Writable[str | dict[str, JsonValue]]
    """Text or JSON object, as it was asked."""
    context: Writable[dict[str, JsonValue] | None] = None
    """The context, as it was asked."""
    result: JsonValue
    """What the persona should answer; it obeys the persona's `output_schema`."""


class FeedbackRequest(LessonBody):
    """One lesson."""

    persona: PersonaName
    """Who is taught."""


class LessonsRequest(BaseModel):
    """Several lessons."""

    model_config = ConfigDict(extra="forbid")

    persona: PersonaName
    """Who is taught."""
    examples: list[LessonBody] = Field(min_length=1, max_length=_MOST_AT_ONCE)
    """All of them are kept, or none."""


class Correction(BaseModel):
    """Another answer."""

    model_config = ConfigDict(extra="forbid")

    result: JsonValue
    """What the persona should answer."""


class TaughtView(BaseModel):
    """What became of a lesson."""

    id: str
    is_new: bool
    """False: the question was known, and has this answer now."""
    version: int


class ExampleView(BaseModel):
    """One example."""

    id: str
    question: str
    result: JsonValue
    taught_by: str
    created_at: datetime
    updated_at: datetime
    version: int


class ExamplePage(BaseModel):
    """Some examples, the newest first."""

    examples: list[ExampleView]
    next_cursor: str | None


class LearnedView(BaseModel):
    """What one persona has learnt."""

    persona: str
    examples: int
    labels: int
    unfitted: int
    """Examples that came after the last fitting; they count already."""
    is_fitted: bool
    held_out_accuracy: float | None
    """Share of held-out examples that were answered rightly; null before any could be held out."""
    calibration_error: float | None
    """Expected calibration error on them."""
    sure_from: float | None
    """Confidence from which answers are given without the model; null: none are."""
    answered_share: float | None
    """Share of held-out examples that was sure enough."""


class PersonaCount(BaseModel):
    """How much a persona was taught."""

    persona: str
    examples: int


async def _teacher(request: Request) -> Teacher:
    teacher: Teacher = request.state.teacher
    return teacher


UsedTeacher = Annotated[Teacher, Depends(_teacher)]


@router.post("/feedback", status_code=201)
async def feedback(data: FeedbackRequest, teacher: UsedTeacher, tenant: Tenant, caller: _Operator) -> TaughtView:
    """Teach a persona the right answer to a question; it counts from the next question on.

    Args:
        data: The lesson.
        teacher: Filled in by FastAPI.
        tenant: Filled in by FastAPI.
        caller: Filled in by FastAPI.

    Returns:
        What became of it.

    Raises:
        APIException: See `errors`.
    """
    (taught,) = await _teach(teacher, Partition(tenant, data.persona), [data], caller)
    return _taught(taught)


@router.post("/feedback/batch", status_code=201)
async def feedback_batch(
    data: LessonsRequest, teacher: UsedTeacher, tenant: Tenant, caller: _Operator
) -> dict[str, list[TaughtView]]:
    """Teach a persona several answers at once; all of them are kept, or none.

    Args:
        data: The lessons.
        teacher: Filled in by FastAPI.
        tenant: Filled in by FastAPI.
        caller: Filled in by FastAPI.

    Returns:
        `examples`: what became of each.

    Raises:
        APIException: See `errors`.
    """
    taught = await _teach(teacher, Partition(tenant, data.persona), data.examples, caller)
    return {"examples": [_taught(each) for each in taught]}


@router.get("/learned")
async def list_learned(teacher: UsedTeacher, tenant: Tenant, caller: _Viewer) -> dict[str, list[PersonaCount]]:
    """List the personas that the caller's tenant has taught.

    Args:
        teacher: Filled in by FastAPI.
        tenant: Filled in by FastAPI.
        caller: Filled in by FastAPI.

    Returns:
        `personas`.
    """
    states = await teacher.states(tenant)
    return {"personas": [PersonaCount(persona=name, examples=at.examples) for name, at in states.items()]}


@router.get("/learned/{persona}")
async def show_learned(persona: str, teacher: UsedTeacher, tenant: Tenant, caller: _Viewer) -> LearnedView:
    """Show what a persona has learnt, and what its confidence is worth.

    Args:
        persona: Its name.
        teacher: Filled in by FastAPI.
        tenant: Filled in by FastAPI.
        caller: Filled in by FastAPI.

    Returns:
        The state; nothing was learnt where `examples` is 0.

    Raises:
        APIException: See `errors`.
    """
    try:
        return _learned(await teacher.state(Partition(tenant, persona)))
    except IntelligenceError as error:
        raise as_api_exception(error) from error


@router.get("/learned/{persona}/labels")
async def list_labels(
    persona: str, teacher: UsedTeacher, tenant: Tenant, caller: _Viewer
) -> dict[str, list[dict[str, JsonValue]]]:
    """Count the examples of each answer.

    Args:
        persona: Name of the persona.
        teacher: Filled in by FastAPI.
        tenant: Filled in by FastAPI.
        caller: Filled in by FastAPI.

    Returns:
        `labels`: `{result, examples}`.
    """
    counted = await teacher.store.labels(Partition(tenant, persona))
    return {"labels": [{"result": json.loads(label), "examples": count} for label, count in counted.items()]}


@router.get("/learned/{persona}/examples")
async def list_examples(
    persona: str,
    teacher: UsedTeacher,
    tenant: Tenant,
    caller: _Viewer,
    text: Annotated[str | None, Query(max_length=200)] = None,
    result: Annotated[str | None, Query(max_length=10_000, description="An answer as JSON.")] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    cursor: Annotated[str | None, Query(pattern=r"^\d{1,18}\.[0-9a-f]{32}$")] = None,
) -> ExamplePage:
    """List examples, the newest first.

    Args:
        persona: Name of the persona.
        teacher: Filled in by FastAPI.
        tenant: Filled in by FastAPI.
        caller: Filled in by FastAPI.
        text: Only those whose question holds this.
        result: Only those with this answer.
        limit: Most of them.
        cursor: `next_cursor` of the page before.

    Returns:
        The examples.

    Raises:
        APIException: `result` is not JSON.
    """
    page = await teacher.store.page(
        Partition(tenant, persona), label=_label(result), text=text, limit=limit, cursor=cursor
    )
    return ExamplePage(examples=[_example(each) for each in page.examples], next_cursor=page.next_cursor)


@router.get("/learned/{persona}/examples/{example_id}")
async def show_example(
    persona: str, example_id: str, teacher: UsedTeacher, tenant: Tenant, caller: _Viewer, response: Response
) -> ExampleView:
    """Show one example; its `ETag` is its version.

    Args:
        persona: Name of the persona.
        example_id: Id of the example.
        teacher: Filled in by FastAPI.
        tenant: Filled in by FastAPI.
        caller: Filled in by FastAPI.
        response: Filled in by FastAPI.

    Returns:
        The example.

    Raises:
        APIException: The caller's tenant has no such example.
    """
    try:
        example = await teacher.store.get(Partition(tenant, persona), example_id)
    except IntelligenceError as error:
        raise as_api_exception(error) from error
    response.headers["ETag"] = f'"{example.version}"'
    return _example(example)


@router.patch("/learned/{persona}/examples/{example_id}")
async def correct_example(
    persona: str,
    example_id: str,
    data: Correction,
    teacher: UsedTeacher,
    tenant: Tenant,
    caller: _Operator,
    response: Response,
    if_match: Annotated[str | None, Header(pattern=r'^"\d{1,9}"$')] = None,
) -> ExampleView:
    """Give an example another answer; with `If-Match`, only if nobody else has meanwhile.

    Args:
        persona: Name of the persona.
        example_id: Id of the example.
        data: The answer.
        teacher: Filled in by FastAPI.
        tenant: Filled in by FastAPI.
        caller: Filled in by FastAPI.
        response: Filled in by FastAPI.
        if_match: `ETag` of the example as the caller has seen it.

    Returns:
        The example as it is now.

    Raises:
        APIException: See `errors`.
    """
    version = None if if_match is None else int(if_match.strip('"'))
    try:
        example = await teacher.correct(
            Partition(tenant, persona), example_id, data.result, version=version, taught_by=caller.subject
        )
    except IntelligenceError as error:
        raise as_api_exception(error) from error
    response.headers["ETag"] = f'"{example.version}"'
    return _example(example)


@router.delete("/learned/{persona}/examples/{example_id}", status_code=204)
async def forget_example(
    persona: str, example_id: str, teacher: UsedTeacher, tenant: Tenant, caller: _Operator
) -> None:
    """Forget an example. It is done when it was not there.

    Args:
        persona: Name of the persona.
        example_id: Id of the example.
        teacher: Filled in by FastAPI.
        tenant: Filled in by FastAPI.
        caller: Filled in by FastAPI.
    """
    await teacher.forget(Partition(tenant, persona), example_id=example_id)


@router.delete("/learned/{persona}")
async def forget_persona(
    persona: str,
    teacher: UsedTeacher,
    tenant: Tenant,
    caller: _Admin,
    result: Annotated[str | None, Query(max_length=10_000, description="An answer as JSON.")] = None,
) -> dict[str, int]:
    """Forget everything that the caller's tenant has taught a persona, or all examples of one answer.

    Args:
        persona: Name of the persona.
        teacher: Filled in by FastAPI.
        tenant: Filled in by FastAPI.
        caller: Filled in by FastAPI.
        result: Only examples with this answer.

    Returns:
        `removed`: how many.

    Raises:
        APIException: `result` is not JSON.
    """
    return {"removed": await teacher.forget(Partition(tenant, persona), label=_label(result))}


async def _teach(
    teacher: Teacher, partition: Partition, lessons: "list[FeedbackRequest] | list[LessonBody]", caller: Principal
) -> list[Taught]:
    try:
        return await teacher.teach(
            partition,
            [Lesson(lesson.input, lesson.result, lesson.context) for lesson in lessons],
            taught_by=caller.subject,
        )
    except IntelligenceError as error:
        raise as_api_exception(error) from error


def _label(result: str | None) -> str | None:
    if result is None:
        return None
    try:
        answer = json.loads(result)
    except (ValueError, RecursionError) as error:
        fault = InputInvalidError([Fault("result", f"must be JSON, as in {json.dumps({'intent': 'x'})}: {error}")])
        raise as_api_exception(fault) from error
    if not is_writable(answer):
        raise as_api_exception(InputInvalidError([Fault("result", UNWRITABLE)]))
    return canonical(answer)


def _taught(taught: Taught) -> TaughtView:
    return TaughtView(id=taught.id, is_new=taught.is_new, version=taught.version)


def _example(example: Example) -> ExampleView:
    return ExampleView(
        id=example.id,
        question=example.question,
        result=json.loads(example.label),
        taught_by=example.taught_by,
        created_at=example.created_at,
        updated_at=example.updated_at,
        version=example.version,
    )


def _learned(state: PersonaState) -> LearnedView:
    known = state.calibration
    measured = known.held_out > 0
    return LearnedView(
        persona=state.persona,
        examples=state.examples,
        labels=state.labels,
        unfitted=state.unfitted,
        is_fitted=state.is_fitted,
        held_out_accuracy=round(known.accuracy, 4) if measured else None,
        calibration_error=round(known.error, 4) if measured else None,
        sure_from=round(known.sure_from, 4) if known.sure_from < NEVER else None,
        answered_share=round(known.answered, 4) if measured else None,
    )
