"""Exceptions that cannot be copied, printed or raised twice: their record is kept, and the engine goes on."""

from __future__ import annotations

import asyncio
import socket
import sys
import threading
from datetime import timedelta
from typing import Any, NoReturn

import pytest

from maestro_workflow_engine import Failure, WorkflowFailedError, step, workflow
from maestro_workflow_engine._failure import describe, rebuild

pytestmark = pytest.mark.capability("steps")

SOON = timedelta(seconds=30)


class NeedsTwo(Exception):
    def __init__(self, name: str, *, level: int) -> None:
        super().__init__(f"{name} at {level}")


class CannotSpeak(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


class HidesArguments(Exception):
    @property
    def args(self) -> Any:  # type: ignore[override]  # an exception may do so
        raise RuntimeError("none of your business")


class OnItsOwn(BaseException): ...


class NeverEqual:
    def __eq__(self, other: object) -> NoReturn:
        raise ZeroDivisionError

    __hash__ = None  # type: ignore[assignment]  # as data types of numerical libraries do


def lock_inside() -> NoReturn:
    raise RuntimeError("lock", threading.Lock())


def socket_inside() -> NoReturn:
    with socket.socket() as opened:
        raise OSError("socket", opened)


def lambda_inside() -> NoReturn:
    raise ValueError("lambda", lambda: None)


def odd_equality_inside() -> NoReturn:
    raise ValueError("odd", NeverEqual())


def takes_other_arguments() -> NoReturn:
    raise NeedsTwo("tank", level=3)


def cannot_speak() -> NoReturn:
    raise CannotSpeak("hm")


def hides_arguments() -> NoReturn:
    raise HidesArguments("secret")


def grouped() -> NoReturn:
    raise ExceptionGroup("several", [ValueError("one"), TypeError("two")])


def grouped_deeply() -> NoReturn:
    error: Exception = ValueError("core")
    for _ in range(3000):
        error = ExceptionGroup("shell", [error])
    raise error


def in_a_circle() -> NoReturn:
    one, two = ValueError("one"), ValueError("two")
    one.__cause__, two.__cause__ = two, one
    raise one


def bad_file_name() -> NoReturn:
    raise OSError("no file 'caf\udce9'")


def on_its_own() -> NoReturn:
    raise OnItsOwn("bye")


def exits() -> NoReturn:
    sys.exit(3)


def interrupts() -> NoReturn:
    raise KeyboardInterrupt("stop")


def stops_iteration() -> object:
    return next(iter(()))


def closes_generator() -> NoReturn:
    raise GeneratorExit("closed")


def cancels() -> NoReturn:
    raise asyncio.CancelledError("never mind")


CASES = {
    lock_inside: "builtins:RuntimeError",
    socket_inside: "builtins:OSError",
    lambda_inside: "builtins:ValueError",
    odd_equality_inside: "builtins:ValueError",
    takes_other_arguments: f"{__name__}:NeedsTwo",
    cannot_speak: f"{__name__}:CannotSpeak",
    hides_arguments: f"{__name__}:HidesArguments",
    grouped: "builtins:ExceptionGroup",
    grouped_deeply: "builtins:ExceptionGroup",
    in_a_circle: "builtins:ValueError",
    bad_file_name: "builtins:OSError",
    on_its_own: f"{__name__}:OnItsOwn",
    exits: "builtins:SystemExit",
    interrupts: "builtins:KeyboardInterrupt",
    stops_iteration: "builtins:RuntimeError",
    closes_generator: "builtins:GeneratorExit",
    cancels: "asyncio.exceptions:CancelledError",
}


@step
async def fails_on_loop(name: str) -> object:
    return globals()[name]()


@step
def fails_in_thread(name: str) -> object:
    return globals()[name]()


@workflow
async def failing(name: str, where: str) -> str:
    try:
        await (fails_on_loop(name) if where == "loop" else fails_in_thread(name))
    except asyncio.CancelledError:
        raise
    except Exception as error:
        raise RuntimeError(type(error).__name__) from error
    return "it did not fail"


@workflow
async def failing_itself(name: str) -> object:
    return globals()[name]()


@pytest.mark.parametrize("where", ["loop", "thread"])
async def test_a_steps_exception_is_kept_over_a_restart(place, where: str):
    """Type, message and traceback of whatever a step raises are in the history, and the run gets on with it."""

    async def failure_of(engine: Any, name: str) -> Failure:
        with pytest.raises(WorkflowFailedError) as caught:
            await engine.handle(name).result(SOON)
        return caught.value.failure

    names = [case.__name__ for case in CASES]
    async with place.engine(workflows=[failing]) as engine:
        for name in names:
            await engine.start(failing, name, where, id=name)
        first = [await failure_of(engine, name) for name in names]
    async with place.engine(workflows=[failing]) as engine:
        assert [await failure_of(engine, name) for name in names] == first
        for raising, name in zip(CASES, names, strict=True):
            history = await engine.handle(name).history()
            failure = next(event.data["failure"] for event in history if event.type == "step_failed")
            if not (raising is stops_iteration and where == "loop"):  # a coroutine says it in its own words
                assert failure["type"] == CASES[raising], name
            assert name in failure["traceback"]
            assert isinstance(failure["message"], str)


async def test_a_workflows_own_exception_is_kept(place):
    """The same for what workflow code raises itself; others go on."""
    async with place.engine(workflows=[failing_itself]) as engine:
        for case in CASES:
            if case in (exits, interrupts):
                continue
            handle = await engine.start(failing_itself, case.__name__)
            with pytest.raises(WorkflowFailedError) as caught:
                await handle.result(SOON)
            assert case.__name__ in caught.value.failure.traceback
        other = await engine.start(failing_itself, "describe_nothing")
        assert await other.result(SOON) == "fine"


def describe_nothing() -> str:
    return "fine"


def test_a_record_can_be_encoded_and_rebuilt_where_its_class_allows():
    """What has JSON arguments comes back as itself; of the others the record stays."""
    record = describe(OSError("no file 'caf\udce9'"))
    assert record.message == "no file 'caf\\udce9'"
    assert record.args is None
    assert rebuild(Failure("builtins:ValueError", "no", ["no"])).args == ("no",)  # type: ignore[union-attr]  # it is one
    assert rebuild(describe(NeedsTwo("tank", level=3))) is None
