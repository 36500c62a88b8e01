"""Put code and its output into documents: `python docs/insert.py`, or `make docs`.

A document marks where, and what stands below the mark is written by this program:

    <!-- code: docs/guide/examples/orders.py#start -->      a file, or a region of it (`# region: start` … `# endregion: start`)
    <!-- console: docs/guide/examples -->                   commands (`$ …`), run one after another in a copy of that folder

Paths count from the root of the repository. A test runs the same functions and fails when a document is not what they would write.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
_LANGUAGES = {
    ".py": "python",
    ".ts": "typescript",
    ".yaml": "yaml",
    ".json": "json",
    ".cedar": "cedar",
    ".cedarschema": "cedar",
}
_MARK = re.compile(r"^<!-- (code|console): (\S+) -->\n(?:```[a-z]*\n(.*?)^```\n)?", re.MULTILINE | re.DOTALL)
_TIMEOUT_S = 100


class InsertError(Exception):
    """A mark names a file or region that is not there, or one that cannot be shown."""


def documents() -> Iterator[Path]:
    """Yield the documents of the repository that have marks."""
    for folder in ("", "docs", "shared", "maestro", "services", "utilities", "examples"):
        found = ROOT.glob("*.md") if not folder else (ROOT / folder).rglob("*.md")
        yield from (path for path in sorted(found) if _MARK.search(path.read_text("utf-8")))


def inserted(text: str) -> str:
    """Return a document with what its marks stand for.

    Raises:
        InsertError: A mark cannot be followed.
    """
    return _MARK.sub(lambda mark: _block(mark[0].partition("\n")[0], mark[1], mark[2], mark[3] or ""), text)


def region(source: str, name: str | None) -> str:
    """Return a region of a file, its indentation taken off; without a name, all of it. Lines that mark regions are left out.

    Raises:
        InsertError: There is no such region, or it does not end.
    """
    lines = source.splitlines(keepends=True)
    if name is not None:
        marks = [line.strip() for line in lines]
        try:
            start = marks.index(f"# region: {name}")
            end = marks.index(f"# endregion: {name}")
        except ValueError as error:
            raise InsertError(f"there is no region {name!r} with a beginning and an end") from error
        lines = lines[start + 1 : end]
    shown = [line for line in lines if not line.strip().startswith(("# region: ", "# endregion: "))]
    return textwrap.dedent("".join(shown)).strip("\n") + "\n"


def _block(mark: str, kind: str, target: str, present: str) -> str:
    path, _, name = target.partition("#")
    place = ROOT / path
    if not place.exists():
        raise InsertError(f"{mark}: there is no {path}")
    if kind == "console":
        language, body = "console", _session(place, re.findall(r"^\$ (.+)$", present, re.MULTILINE))
    else:
        language, body = _LANGUAGES[place.suffix], region(place.read_text("utf-8"), name or None)
    if "```" in body:
        raise InsertError(f"{mark}: what it stands for contains a fence")
    return f"{mark}\n```{language}\n{body}```\n"


def _session(folder: Path, commands: list[str]) -> str:
    with tempfile.TemporaryDirectory() as scratch:
        here = Path(scratch) / folder.name
        shutil.copytree(folder, here, ignore=shutil.ignore_patterns("__pycache__", ".*"))
        return "".join(f"$ {command}\n{_output(command, here)}" for command in commands)


def _output(command: str, folder: Path) -> str:
    path = f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin"
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env={"PATH": path, "HOME": str(folder), "PYTHONDONTWRITEBYTECODE": "1", "COLUMNS": "120", "LC_ALL": "C.UTF-8"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=_TIMEOUT_S,
        check=False,
    )
    return done.stdout


def main() -> None:
    """Write every document anew."""
    for path in documents():
        text = path.read_text("utf-8")
        new = inserted(text)
        if new != text:
            path.write_text(new, "utf-8")
            print(f"wrote {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
