"""Functions that run in place of steps, so that a workflow is tested without its side effects."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Mapping
from typing import Any

from maestro_workflow_engine._definitions import StepDefinition
from maestro_workflow_engine._errors import WorkflowDefinitionError

_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


class StandIns:
    """Which function runs in place of which step.

    The workflow does not notice: its step keeps its name, its retry policy, its timeout and the types of its arguments and
    of its result.

    Args:
        steps: The functions (async or plain; plain ones run on the event loop) by step or by the step's name.

    Raises:
        WorkflowDefinitionError: A function cannot be called as the step is.
    """

    def __init__(self, steps: Mapping[Any, Callable[..., Any]] | None = None) -> None:
        self._by_step: dict[StepDefinition[..., Any], StepDefinition[..., Any]] = {}
        self._by_name: dict[str, Callable[..., Any]] = {}
        self._met: set[str] = set()
        for step, func in (steps or {}).items():
            if isinstance(step, StepDefinition):
                self._by_step[step] = _stand_in(step, func)
            elif isinstance(step, str):
                self._by_name[step] = func
            else:
                raise WorkflowDefinitionError(f"{step!r} is no step and no step's name")

    def get(self, step: StepDefinition[..., Any]) -> StepDefinition[..., Any]:
        """Return the step that runs: the stand-in, or the step itself.

        A function given by name is checked against the first step of that name; one that does not fit fails the step
        with WorkflowDefinitionError.
        """
        found = self._by_step.get(step)
        if found is not None:
            return found
        if step.origin is not step and step.origin in self._by_step:
            return _replaced(step, self._by_step[step.origin].func)
        func = self._by_name.get(step.name)
        if func is None:
            return step
        self._met.add(step.name)
        try:
            stand_in = _stand_in(step, func)
        except WorkflowDefinitionError as error:
            stand_in = _refusal(step, error)
        self._by_step[step] = stand_in
        return stand_in

    @property
    def unmet(self) -> list[str]:
        """The names under which no step has run: misspelt, perhaps, so that the real step ran."""
        return sorted(set(self._by_name) - self._met)


def _stand_in(step: StepDefinition[..., Any], func: Callable[..., Any]) -> StepDefinition[..., Any]:
    if isinstance(func, StepDefinition):
        func = func.func
    if not callable(func):
        raise WorkflowDefinitionError(f"the stand-in for step {step.name!r} is no function: {func!r}")
    signature = inspect.signature(step.func)
    _check(step, signature, func)

    async def stand_in(*args: Any, **kwargs: Any) -> Any:
        call = signature.bind(*args, **kwargs)
        call.apply_defaults()  # the step's own: a stand-in need not repeat them
        result = func(*call.args, **call.kwargs)
        return await result if inspect.isawaitable(result) else result

    return _replaced(step, stand_in)


def _refusal(step: StepDefinition[..., Any], error: WorkflowDefinitionError) -> StepDefinition[..., Any]:
    async def refuse(*_args: Any, **_kwargs: Any) -> Any:
        raise error

    return _replaced(step, refuse)


def _replaced(step: StepDefinition[..., Any], func: Callable[..., Any]) -> StepDefinition[..., Any]:
    twin = copy.copy(step)  # its signature stays that of the step: it turns the journal's JSON into arguments
    twin.func = func
    twin.is_async = True
    return twin


def _check(step: StepDefinition[..., Any], wanted: inspect.Signature, func: Callable[..., Any]) -> None:
    try:
        taken = inspect.signature(func)
    except TypeError:  # a mock, which early releases of Python 3.11 cannot look at: it takes any call
        return
    by_position = [p for p in wanted.parameters.values() if p.kind is not inspect.Parameter.KEYWORD_ONLY]
    by_keyword = [p.name for p in wanted.parameters.values() if p.kind is inspect.Parameter.KEYWORD_ONLY]
    problem = _misplaced(by_position, [p for p in taken.parameters.values() if p.kind in _POSITIONAL])
    try:
        taken.bind(*by_position, **dict.fromkeys(by_keyword))
    except TypeError as error:
        problem = problem or str(error)
    if problem:
        raise WorkflowDefinitionError(
            f"the stand-in for step {step.name!r} cannot be called as the step is: {problem}. "
            f"The step takes {wanted}, the stand-in {taken}"
        )


def _misplaced(wanted: list[inspect.Parameter], taken: list[inspect.Parameter]) -> str | None:
    """Find an argument that would arrive under another name. A name that begins with "_" says that it is not used."""
    for mine, theirs in zip(wanted, taken, strict=False):
        if mine.name != theirs.name and not theirs.name.startswith("_"):
            return f"it has {theirs.name!r} where the step has {mine.name!r}"
    return None
