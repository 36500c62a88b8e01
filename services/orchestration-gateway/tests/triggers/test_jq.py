from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from orchestration_gateway.triggers.errors import MappingError
from orchestration_gateway.triggers.jq_pool import JqLimits, JqPool


@pytest.fixture
async def jq() -> AsyncIterator[JqPool]:
    limits = JqLimits(time=timedelta(seconds=1), memory_bytes=128 * 1024 * 1024, result_characters=1_000)
    async with JqPool.opened(limits) as pool:
        yield pool


async def failing(jq: JqPool, program: str, message: object = None) -> str:
    with pytest.raises(MappingError) as caught:
        await jq.evaluate({"input": program}, message)
    return caught.value.reason


async def test_programs_see_the_message(jq: JqPool) -> None:
    """Each program gives its first two results; large numbers, lone surrogates and unicode pass."""
    message = {"n": 17, "big": 12345678901234567890, "text": "\u00e9 \U0001f600", "list": [1, 2, 3]}
    found = await jq.evaluate({"a": ".n", "b": ".list[]", "c": "empty", "d": ".text", "e": ".n # a comment"}, message)
    assert found == {"a": [17], "b": [1, 2], "c": [], "d": ["\u00e9 \U0001f600"], "e": [17]}


async def test_programs_that_are_none(jq: JqPool) -> None:
    """A program that cannot be compiled is refused with its name and jq's words."""
    await jq.check({"input": ".a | {b: .c}"})
    for program, words in ((".a |", "syntax error"), ("nonsense(1)", "not defined"), ("'", "syntax error")):
        with pytest.raises(MappingError, match=words) as caught:
            await jq.check({"filter": program})
        assert caught.value.program == "filter"


@pytest.mark.parametrize("program", ["[limit(1e9; repeat(1))] | length", "last(range(1e12))", "def f: f; f"])
async def test_endless_programs_are_stopped(jq: JqPool, program: str) -> None:
    """They are stopped in the end, whatever they lack: time or memory; and the next one is served."""
    reason = await failing(jq, program)
    assert "stopped" in reason or "memory" in reason
    assert (await jq.evaluate({"input": "."}, 1))["input"] == [1]


async def test_results_and_memory_have_limits(jq: JqPool) -> None:
    """A result that is too long is refused, and so is a program that wants all memory."""
    assert "1000 characters" in await failing(jq, '"x" * 2000')
    reason = await failing(jq, '("x" * 1e6) as $x | [range(1e6) | $x + "\\(.)"] | length')
    assert "memory" in reason or "stopped" in reason


async def test_programs_read_nothing_of_the_machine(jq: JqPool, tmp_path: Path) -> None:
    """Neither files nor variables of the environment: not by name, and not where the name slips through."""
    (tmp_path / "secret.json").write_text('{"a": 1}')
    search = f'{{search: "{tmp_path}"}}'
    with pytest.raises(MappingError, match="not allowed"):
        await jq.check({"input": f'import "secret" as $s {search}; $s'})
    assert await failing(jq, f'import "secret" as $s {search}; $s')  # past the check: nothing can be opened
    (seen, same) = (await jq.evaluate({"input": "env, $ENV"}, None))["input"]
    assert seen == same
    assert not seen.keys() - {"LC_CTYPE"}  # Python sets it in a process that has no locale


async def test_failures_are_told_in_jqs_words(jq: JqPool) -> None:
    """A program that does not fit the message says what it wanted."""
    assert "Cannot index number" in await failing(jq, ".a", 17)
    assert await failing(jq, 'error("no order")', {}) == "no order"
