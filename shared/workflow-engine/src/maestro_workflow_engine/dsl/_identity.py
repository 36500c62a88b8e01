"""How documents and the DSL's releases are named."""

from __future__ import annotations

import re

DSL_VERSIONS = ("1.0.0", "1.0.1", "1.0.2", "1.0.3")
"""The versions of the DSL that are understood."""

WITH_NAMED_ARGUMENTS = frozenset({"1.0.0", "1.0.1", "1.0.2"})
"""The versions of the DSL in which the arguments of scripts and shell commands are a mapping; 1.0.3 made them a list."""

NAME = re.compile(r"[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?")
"""Namespaces and names of workflows."""

_NUMBER = r"(?:0|[1-9]\d*)"
_PRE_RELEASE = rf"(?:{_NUMBER}|\d*[a-zA-Z-][0-9a-zA-Z-]*)"
VERSION = re.compile(
    rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}(?:-{_PRE_RELEASE}(?:\.{_PRE_RELEASE})*)?(?:\+[0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*)?",
    re.ASCII,
)
"""Semantic versions (semver.org, 2.0.0)."""
