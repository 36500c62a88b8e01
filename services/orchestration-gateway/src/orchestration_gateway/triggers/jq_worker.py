"""Run as a program of its own, by `jq_pool`: evaluates jq programs where it can be killed.

    python -I jq_worker.py CPU_SECONDS MEMORY_BYTES RESULT_CHARACTERS

A request is a line `{"programs": {name: program}, "text": …}` (or without `text`, to compile only), its answer a line
`{"results": {name: [texts]}}` or `{"name": …, "error": …}`. It imports nothing of the package, so that it starts fast.
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
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    # From here on nothing can be opened: a program that imports a module, or data, reads no file of this machine.
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))
    for line in sys.stdin.buffer:
        used = resource.getrusage(resource.RUSAGE_SELF)
        spent = int(used.ru_utime + used.ru_stime) + 1
        resource.setrlimit(resource.RLIMIT_CPU, (spent + cpu_s, resource.RLIM_INFINITY))
        sys.stdout.write(json.dumps(_answer(json.loads(line), result_characters)) + "\n")
        sys.stdout.flush()


def _answer(request: dict[str, Any], result_characters: int) -> dict[str, Any]:
    results = {}
    name = ""
    try:
        for name, program in request["programs"].items():
            compiled = _compiled(program)
            if "text" not in request:
                continue
            texts = list(islice(iter(compiled.input_text(request["text"])), 2))
            if any(len(text) > result_characters for text in texts):
                return {"name": name, "error": f"it gives more than {result_characters} characters"}
            results[name] = texts
    except (ValueError, MemoryError) as error:
        return {"name": name, "error": str(error) or "it needs too much memory"}
    return {"results": results}


@lru_cache(maxsize=512)
def _compiled(program: str) -> Any:
    # The result leaves as text, which keeps numbers that do not fit a double. The line breaks keep comments apart.
    return jq.compile(f"(\n{program}\n) | tojson")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
