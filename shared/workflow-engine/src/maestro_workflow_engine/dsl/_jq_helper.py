"""Run as a program of its own, by `_expression_pool`: evaluates jq programs where it can be killed.

    python -I _jq_helper.py CPU_SECONDS MEMORY_BYTES RESULT_CHARACTERS

A request is a line `{"program": …, "text": …}`, its answer a line `{"results": […]}` or `{"error": …}`. It imports nothing of the
package, so that it starts fast.
"""

from __future__ import annotations

import contextlib
import json
import resource
import sys
from functools import lru_cache
from itertools import islice
from typing import Any

import jq


def main(cpu_s: int, memory_bytes: int, result_characters: int) -> None:
    """Answer until the input ends.

    Args:
        cpu_s: How much processor time one request may take. The system ends the process (SIGXCPU) when it takes more.
        memory_bytes: How much memory the process may have.
        result_characters: How long one result may be.
    """
    with contextlib.suppress(ValueError, OSError):  # not on every system
        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for line in sys.stdin.buffer:
        used = resource.getrusage(resource.RUSAGE_SELF)
        spent = int(used.ru_utime + used.ru_stime) + 1
        resource.setrlimit(resource.RLIMIT_CPU, (spent + cpu_s, resource.RLIM_INFINITY))
        sys.stdout.write(json.dumps(_answer(json.loads(line), result_characters)) + "\n")
        sys.stdout.flush()


def _answer(request: dict[str, str], result_characters: int) -> dict[str, Any]:
    try:
        results = list(islice(iter(_compiled(request["program"]).input_text(request["text"])), 2))
    except (ValueError, MemoryError) as error:
        return {"error": str(error) or "it needs too much memory"}
    if any(len(result) > result_characters for result in results):
        return {"error": f"it gives more than {result_characters} characters"}
    return {"results": results}


@lru_cache(maxsize=256)
def _compiled(program: str) -> Any:
    return jq.compile(program)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
