"""What a user declares: `@step` and `@workflow`, and how their arguments and results are typed."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any, Generic, ParamSpec, TypeVar, cast, get_type_hints, overload

import msgspec

from maestro_workflow_engine import _payload
from maestro_workflow_engine._errors import PayloadError, WorkflowDefinitionError
from maestro_workflow_engine._retry import RetryPolicy
from maestro_workflow_engine.machine._current import current_machine

P = ParamSpec("P")
R = TypeVar("R")

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)?\Z")
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+_-]*\Z")


class Signature:
    """How a function's arguments become one JSON value and back.

    No parameter gives `null`, one parameter its value itself, several an object by parameter name. That is what
    history shows and what callers over HTTP send.
    """

    def __init__(self, func: Callable[..., Any]) -> None:
        self._func = func
        self._signature = inspect.signature(func)
        self._hints: dict[str, Any] | None = None
        self.parameters = list(self._signature.parameters.values())
        self._names = [parameter.name for parameter in self.parameters]
        self._all_positional = all(
            parameter.kind in (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
            for parameter in self.parameters
        )
        for parameter in self.parameters:
            if parameter.kind in (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD):
                msg = f"{func.__qualname__} takes *{parameter.name}; a workflow or step names each of its parameters"
                raise WorkflowDefinitionError(msg)

    def hint(self, name: str) -> Any:
        """Return the annotation of a parameter or of "return"; `Any` where there is none."""
        if self._hints is None:
            closure = inspect.getclosurevars(self._func).nonlocals
            try:
                self._hints = get_type_hints(self._func, localns=dict(closure), include_extras=True)
            except NameError as error:
                msg = (
                    f"the annotations of {self._func.__qualname__} cannot be read: {error}. "
                    "Import the type at run time (not under TYPE_CHECKING) and define it where the function can see it."
                )
                raise WorkflowDefinitionError(msg) from error
        return self._hints.get(name, Any)

    def encode(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> msgspec.Raw:
        """Turn call arguments into JSON.

        Raises:
            PayloadError: The arguments do not fit the signature or have no JSON form.
        """
        if not kwargs and len(args) == len(self.parameters) and self._all_positional:  # the common call, without bind()
            if len(args) == 1:
                return _payload.encode(args[0])
            return _payload.encode(dict(zip(self._names, args, strict=True))) if args else _payload.NULL
        try:
            bound = self._signature.bind(*args, **kwargs)
        except TypeError as error:
            raise PayloadError(f"{self._func.__qualname__}: {error}") from error
        if not self.parameters:
            return _payload.NULL
        if len(self.parameters) == 1:
            only = self.parameters[0]
            return _payload.encode(bound.arguments[only.name]) if bound.arguments else _payload.encode(only.default)
        return _payload.encode(bound.arguments)

    def decode(self, raw: msgspec.Raw) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Turn JSON back into call arguments.

        Raises:
            PayloadError: The JSON does not fit the annotations, or a parameter is missing or unknown.
        """
        if not self.parameters:
            return (), {}
        if len(self.parameters) == 1:
            only = self.parameters[0]
            if bytes(raw) == b"null" and only.default is None:
                return (), {}
            return self._place(only, _payload.decode(raw, self.hint(only.name)))
        fields = _payload.decode(raw, dict[str, msgspec.Raw])
        args: list[Any] = []
        kwargs: dict[str, Any] = {}
        for parameter in self.parameters:
            if parameter.name not in fields:
                if parameter.default is inspect.Parameter.empty:
                    raise PayloadError(f"{self._func.__qualname__} needs {parameter.name!r}")
                if parameter.kind is not inspect.Parameter.KEYWORD_ONLY:
                    args.append(parameter.default)
                continue
            more_args, more_kwargs = self._place(
                parameter, _payload.decode(fields.pop(parameter.name), self.hint(parameter.name))
            )
            args.extend(more_args)
            kwargs.update(more_kwargs)
        if fields:
            raise PayloadError(f"{self._func.__qualname__} does not take {', '.join(map(repr, fields))}")
        return tuple(args), kwargs

    def decode_result(self, raw: msgspec.Raw) -> Any:
        """Turn JSON back into the function's result, by its return annotation."""
        return _payload.decode(raw, self.hint("return"))

    @staticmethod
    def _place(parameter: inspect.Parameter, value: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY:
            return (), {parameter.name: value}
        return (value,), {}


class StepDefinition(Generic[P, R]):
    """A function whose result is journalled. Called in a workflow it runs durably; called elsewhere it just runs.

    Attributes:
        name: What history and documents call the step.
        func: The function itself.
        retry: When a failed attempt is tried again.
        timeout: The limit for one attempt; None for no limit.
    """

    def __init__(
        self,
        func: Callable[P, Coroutine[Any, Any, R]] | Callable[P, R],
        *,
        name: str | None = None,
        retry: RetryPolicy | None = None,
        timeout: timedelta | None = None,
    ) -> None:
        self.func = func
        self.name = _checked(name or func.__name__, _NAME, "step name")
        self.retry = retry or RetryPolicy()
        self.timeout = timeout
        if timeout is not None and timeout <= timedelta(0):
            raise WorkflowDefinitionError(f"step {self.name!r}: timeout must be longer than zero")
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
        raw = await machine.run_child(self.name, self.version, self.signature.encode(args, kwargs), None)
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

    def __init__(self, name: str | None, retry: RetryPolicy | None, timeout: timedelta | None) -> None:
        self._name, self._retry, self._timeout = name, retry, timeout

    @overload
    def __call__(self, func: Callable[P, Coroutine[Any, Any, R]], /) -> StepDefinition[P, R]: ...
    @overload
    def __call__(self, func: Callable[P, R], /) -> StepDefinition[P, R]: ...
    def __call__(self, func: Callable[..., Any], /) -> StepDefinition[..., Any]:
        return StepDefinition(func, name=self._name, retry=self._retry, timeout=self._timeout)


@overload
def step(func: Callable[P, Coroutine[Any, Any, R]], /) -> StepDefinition[P, R]: ...
@overload
def step(func: Callable[P, R], /) -> StepDefinition[P, R]: ...
@overload
def step(
    *, name: str | None = None, retry: RetryPolicy | None = None, timeout: timedelta | None = None
) -> _StepDecorator: ...
def step(
    func: Callable[..., Any] | None = None,
    /,
    *,
    name: str | None = None,
    retry: RetryPolicy | None = None,
    timeout: timedelta | None = None,
) -> StepDefinition[..., Any] | _StepDecorator:
    """Declare a step: a function whose result is kept, so that it never runs again once it has completed.

    Args:
        func: An async function, or a plain one (which runs in a thread).
        name: What history calls it. Default: the function's name.
        retry: When a failed attempt is tried again. Default: never.
        timeout: The limit for one attempt. Default: none.

    Returns:
        The step, callable like the function.

    Raises:
        WorkflowDefinitionError: The function cannot be a step.
    """
    decorator = _StepDecorator(name, retry, timeout)
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
