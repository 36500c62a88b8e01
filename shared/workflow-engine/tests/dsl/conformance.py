"""Where the specification's own schema, examples and conformance features are, and how the features are read."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

PROJECT = Path(__file__).resolve().parents[4]
DATA = Path(os.environ.get("MAESTRO_CONFORMANCE_DATA", PROJECT.parent / "shared" / "data")) / "open-workflow"
ABSENT = pytest.mark.skip(
    reason=f"no conformance data at {DATA}; MAESTRO_CONFORMANCE_DATA names the folder that holds open-workflow/"
)


def read_yaml(text: str) -> Any:
    """Read plain values from YAML 1.2."""
    return YAML(typ="safe", pure=True).load(text)


def documents(folder: str) -> list[Any]:
    """List the documents of a folder as test parameters; one skipped parameter where the data is absent."""
    found = sorted((DATA / folder).glob("*.yaml"))
    return [pytest.param(path, id=path.stem) for path in found] or [pytest.param(Path(), marks=ABSENT, id="absent")]


@dataclass(frozen=True)
class Scenario:
    """A scenario of a conformance feature: steps, each with the text block under it."""

    name: str
    steps: tuple[tuple[str, str], ...]


_STEP = re.compile(
    r"^[ \t]*(?:Given|When|Then|And)[ \t]+(?P<step>[^\n]+?)[ \t]*\n(?:[ \t]*\"\"\"yaml\n(?P<block>.*?)\"\"\")?",
    re.S | re.M,
)


def _scenarios(text: str) -> Iterator[Scenario]:
    for part in re.split(r"^[ \t]*Scenario:", text, flags=re.M)[1:]:
        name, _, body = part.partition("\n")
        steps = ((found["step"].rstrip(":"), _dedent(found["block"] or "")) for found in _STEP.finditer(body + "\n"))
        yield Scenario(name.strip(), tuple(steps))


def _dedent(block: str) -> str:
    lines = [line for line in block.splitlines() if line.strip()]
    margin = min((len(line) - len(line.lstrip()) for line in lines), default=0)
    return "\n".join(line[margin:] for line in lines)


def scenarios() -> list[Any]:
    """List the scenarios of all features as test parameters; one skipped parameter where the data is absent."""
    found = [
        pytest.param(scenario, id=f"{path.stem}-{scenario.name}")
        for path in sorted((DATA / "ctk").glob("*.feature"))
        for scenario in _scenarios(path.read_text(encoding="utf-8"))
    ]
    return found or [pytest.param(Scenario("", ()), marks=ABSENT, id="absent")]
