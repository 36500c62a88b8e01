import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

SERVICE = """
import asyncio
import sys
from contextlib import asynccontextmanager
from datetime import timedelta
from fastapi import Depends
from maestro_core_api import APIConfig, IdempotencyConfig, MaestroAPI, idempotent, idempotent_call, public

@asynccontextmanager
async def lifespan(app):
    print("URL", app.bound_url, flush=True)
    yield

app = MaestroAPI(
    APIConfig(
        title="Orders",
        service_name="orders",
        valkey_url=sys.argv[1],
        valkey_timeout=timedelta(seconds=30),
        idempotency=IdempotencyConfig(lease=timedelta(seconds=1), after_failure=sys.argv[2]),
    ),
    lifespan=lifespan,
)

@app.post("/orders")
@public
@idempotent
async def create(call=Depends(idempotent_call)) -> dict[str, int]:
    if sys.argv[3] == "hang":
        print("BEGUN", flush=True)
        await asyncio.Event().wait()
    return {"attempt": call.attempt}

if __name__ == "__main__":
    app.run()
"""


@contextmanager
def serving(path: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A service in a process of its own, and its address."""
    process = subprocess.Popen(
        [sys.executable, str(path), *arguments], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        assert process.stdout is not None
        yield process, process.stdout.readline().split()[1]
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


@pytest.mark.parametrize("after_failure", ["run_again", "refuse"])
async def test_a_process_that_is_killed_does_not_block_its_keys_for_ever(
    tmp_path: Path, valkey_url: str, http: httpx2.AsyncClient, after_failure: str
) -> None:
    """After a SIGKILL in the middle of the work, the same request is told to wait while the lease lasts.

    Then it runs again, as the second attempt, or is told that nobody knows how the first one ended.
    """
    path = tmp_path / "service.py"
    path.write_text(SERVICE)
    headers = {"Idempotency-Key": "k"}
    with serving(path, valkey_url, after_failure, "hang") as (process, url):
        lost = asyncio.create_task(http.post(f"{url}/orders", headers=headers, timeout=60))
        assert process.stdout is not None
        assert await asyncio.to_thread(process.stdout.readline) == "BEGUN\n"
        assert (await http.post(f"{url}/orders", headers=headers)).json()["error_code"] == "IDEMPOTENCY_IN_PROGRESS"
        process.kill()
        with pytest.raises(httpx2.TransportError):
            await lost
    with serving(path, valkey_url, after_failure, "answer") as (_, url):
        answer: Any = await http.post(f"{url}/orders", headers=headers)
        while answer.json().get("error_code") == "IDEMPOTENCY_IN_PROGRESS":
            await asyncio.sleep(0.05)
            answer = await http.post(f"{url}/orders", headers=headers)
        again = await http.post(f"{url}/orders", headers=headers)
    if after_failure == "run_again":
        assert answer.json() == {"attempt": 2}
        assert (again.json(), again.headers["idempotency-replayed"]) == ({"attempt": 2}, "true")
    else:
        assert (answer.status_code, answer.json()["error_code"]) == (409, "IDEMPOTENCY_OUTCOME_UNKNOWN")
        assert again.json()["error_code"] == "IDEMPOTENCY_OUTCOME_UNKNOWN"
