"""What a user declares: `@step` and `@workflow`, and how their arguments and results are typed."""

from __future__ import annotations

import copy
import inspect
import re
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any, Generic, ParamSpec, TypeVar, cast, overload

from msgspec import UNSET, UnsetType

from maestro_workflow_engine._errors import WorkflowDefinitionError
from maestro_workflow_engine._retry import RetryPolicy
from maestro_workflow_engine._signature import Signature
from maestro_workflow_engine.machine._current import current_machine
from maestro_workflow_engine.machine._kin import new_child, run_child

P = ParamSpec("P")
R = TypeVar("R")

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)?\Z")
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+_-]*\Z")


class StepDefinition(Generic[P, R]):
    """A function whose result is journalled. Called in a workflow it runs durably; called elsewhere it just runs.

    Attributes:
        name: What history and documents call the step.
        func: The function itself.
        retry: When a failed attempt is tried again.
        timeout: The limit for one attempt; None for no limit.
        total_timeout: The limit for all attempts and the waits between them, from when the workflow asked; None for no limit.
        heartbeat_timeout: The longest an attempt may go without calling `heartbeat()`; None for no limit.
        origin: The step that this one was made of by `with_options`; otherwise itself.
    """

    def __init__(
        self,
        func: Callable[P, Coroutine[Any, Any, R]] | Callable[P, R],
        *,
        name: str | None = None,
        retry: RetryPolicy | None = None,
        timeout: timedelta | None = None,
        total_timeout: timedelta | None = None,
        heartbeat_timeout: timedelta | None = None,
    ) -> None:
        self.func = func
        self.name = _checked(name or func.__name__, _NAME, "step name")
        self.retry = retry or RetryPolicy()
        self.timeout = timeout
        self.total_timeout = total_timeout
        self.heartbeat_timeout = heartbeat_timeout
        self.origin = self
        self._check_limits()
        self.is_async = inspect.iscoroutinefunction(func)
        self.signature = Signature(func)
        self.__doc__ = func.__doc__
        self.__name__ = func.__name__
        self.__wrapped__ = func

    async def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run the step: durably inside a workflow, as a plain call elsewhere.

        Returns:
            The step's result.

        Raises:
            Exception: What the step raised, or StepFailedError where that exception cannot be made again.
            PayloadError: An argument has no JSON form.
        """
        machine = current_machine()
        if machine is None:
            result = self.func(*args, **kwargs)
            return cast("R", await result if inspect.isawaitable(result) else result)
        return cast("R", await machine.run_step(self, self.signature.encode(args, kwargs)))

    def with_options(
        self,
        *,
        name: str | None = None,
        retry: RetryPolicy | UnsetType = UNSET,
        timeout: timedelta | UnsetType | None = UNSET,
        total_timeout: timedelta | UnsetType | None = UNSET,
        heartbeat_timeout: timedelta | UnsetType | None = UNSET,
    ) -> StepDefinition[P, R]:
        """Return this step with other options, for one call or for many: `await charge.with_options(timeout=…)(order)`.

        Args:
            name: What history calls it. Default: this step's name.
            retry: When a failed attempt is tried again. Default: as this step.
            timeout: The limit for one attempt; None lifts it. Default: as this step.
            total_timeout: The limit for all attempts; None lifts it. Default: as this step.
            heartbeat_timeout: The longest silence of an attempt; None lifts it. Default: as this step.

        Returns:
            A step that is used in the same way. Options but the name are not part of the history: a run that is replayed goes
            on with those that the code gives then.

        Raises:
            WorkflowDefinitionError: The name is no step name, or a limit is not longer than zero.
        """
        twin = copy.copy(self)
        if name is not None:
            twin.name = _checked(name, _NAME, "step name")
        if not isinstance(retry, UnsetType):
            twin.retry = retry
        if not isinstance(timeout, UnsetType):
            twin.timeout = timeout
        if not isinstance(total_timeout, UnsetType):
            twin.total_timeout = total_timeout
        if not isinstance(heartbeat_timeout, UnsetType):
            twin.heartbeat_timeout = heartbeat_timeout
        twin._check_limits()  # noqa: SLF001  its own class
        return twin

    def _check_limits(self) -> None:
        for limit in ("timeout", "total_timeout", "heartbeat_timeout"):
            value = getattr(self, limit)
            if value is not None and value <= timedelta(0):
                raise WorkflowDefinitionError(f"step {self.name!r}: {limit} must be longer than zero")

    def __repr__(self) -> str:
        return f"<step {self.name}>"


class WorkflowDefinition(Generic[P, R]):
    """A coroutine function that the engine runs durably. Called in a workflow it runs as a child.

    Attributes:
        name: Its name; a run keeps it, so changing it orphans running runs.
        version: Its version; runs finish on the version they started with.
        func: The coroutine function itself.
        title: The first line of its docstring.
    """

    def __init__(
        self,
        func: Callable[P, Coroutine[Any, Any, R]],
        *,
        name: str | None = None,
        version: str = "1.0.0",
    ) -> None:
        if not inspect.iscoroutinefunction(func):
            raise WorkflowDefinitionError(f"workflow {func!r} must be declared with 'async def'")
        self.func = func
        self.name = _checked(name or func.__name__, _NAME, "workflow name")
        self.version = _checked(version, _VERSION, "workflow version")
        self.title = (inspect.getdoc(func) or "").partition("\n")[0]
        self.signature = Signature(func)
        self.__doc__ = func.__doc__
        self.__name__ = func.__name__
        self.__wrapped__ = func

    async def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run as a child of the current workflow; outside one, run the plain coroutine.

        Returns:
            The workflow's result.

        Raises:
            WorkflowFailedError: The child run failed.
            WorkflowCancelledError: The child run was cancelled on its own.
        """
        machine = current_machine()
        if machine is None:
            return await self.func(*args, **kwargs)
        child = new_child(machine, self.name, self.version, self.signature.encode(args, kwargs), None, "cancel")
        raw = await run_child(machine, child)
        return cast("R", self.signature.decode_result(raw))

    def __repr__(self) -> str:
        return f"<workflow {self.name}:{self.version}>"


def _checked(text: str, pattern: re.Pattern[str], what: str) -> str:
    if not pattern.match(text):
        raise WorkflowDefinitionError(
            f"{text!r} is no {what}: use letters, digits, '.', '_', '-' (and one '/' in names)"
        )
    return text


class _StepDecorator:
    """What `@step(...)` with options returns; a class, so that both kinds of function keep their types."""

    def __init__(
        self,
        name: str | None,
        retry: RetryPolicy | None,
        timeout: timedelta | None,
        total_timeout: timedelta | None,
        heartbeat_timeout: timedelta | None,
    ) -> None:
        self._name, self._retry = name, retry
        self._timeout, self._total_timeout, self._heartbeat_timeout = timeout, total_timeout, heartbeat_timeout

    @overload
    def __call__(self, func: Callable[P, Coroutine[Any, Any, R]], /) -> StepDefinition[P, R]: ...
    @overload
    def __call__(self, func: Callable[P, R], /) -> StepDefinition[P, R]: ...
    def __call__(self, func: Callable[..., Any], /) -> StepDefinition[..., Any]:
        return StepDefinition(
            func,
            name=self._name,
            retry=self._retry,
            timeout=self._timeout,
            total_timeout=self._total_timeout,
            heartbeat_timeout=self._heartbeat_timeout,
        )


@overload
def step(func: Callable[P, Coroutine[Any, Any, R]], /) -> StepDefinition[P, R]: ...
@overload
def step(func: Callable[P, R], /) -> StepDefinition[P, R]: ...
@overload
def step(
    *,
    name: str | None = None,
    retry: RetryPolicy | None = None,
    timeout: timedelta | None = None,
    total_timeout: timedelta | None = None,
    heartbeat_timeout: timedelta | None = None,
) -> _StepDecorator: ...
def step(
    func: Callable[..., Any] | None = None,
    /,
    *,
    name: str | None = None,
    retry: RetryPolicy | None = None,
    timeout: timedelta | None = None,
    total_timeout: timedelta | None = None,
    heartbeat_timeout: timedelta | None = None,
) -> StepDefinition[..., Any] | _StepDecorator:
    """Declare a step: a function whose result is kept, so that it never runs again once it has completed.

    Args:
        func: An async function, or a plain one (which runs in a thread).
        name: What history calls it. Default: the function's name.
        retry: When a failed attempt is tried again. Default: never.
        timeout: The limit for one attempt. Default: none.
        total_timeout: The limit for all attempts, the waits between them and the time for which the engine is closed, counted
            from when the workflow asked for the step. Default: none.
        heartbeat_timeout: The longest an attempt may go without calling `heartbeat()`. Default: none.

    Returns:
        The step, callable like the function.

    Raises:
        WorkflowDefinitionError: The function cannot be a step.
    """
    decorator = _StepDecorator(name, retry, timeout, total_timeout, heartbeat_timeout)
    return decorator if func is None else decorator(func)


class _WorkflowDecorator:
    """What `@workflow(...)` with options returns."""

    def __init__(self, name: str | None, version: str) -> None:
        self._name, self._version = name, version

    def __call__(self, func: Callable[P, Coroutine[Any, Any, R]], /) -> WorkflowDefinition[P, R]:
        return WorkflowDefinition(func, name=self._name, version=self._version)


@overload
def workflow(func: Callable[P, Coroutine[Any, Any, R]], /) -> WorkflowDefinition[P, R]: ...
@overload
def workflow(*, name: str | None = None, version: str = "1.0.0") -> _WorkflowDecorator: ...
def workflow(
    func: Callable[..., Coroutine[Any, Any, Any]] | None = None,
    /,
    *,
    name: str | None = None,
    version: str = "1.0.0",
) -> WorkflowDefinition[..., Any] | _WorkflowDecorator:
    """Declare a workflow: a coroutine function that survives restarts.

    Args:
        func: An async function. It uses asyncio freely and does its input and output in steps.
        name: Its name. Default: the function's name.
        version: Its version. Default: "1.0.0".

    Returns:
        The workflow, ready to be registered with an engine.

    Raises:
        WorkflowDefinitionError: The function cannot be a workflow.
    """
    decorator = _WorkflowDecorator(name, version)
    return decorator if func is None else decorator(func)
