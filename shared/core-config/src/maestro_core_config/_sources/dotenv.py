"""`.env` files: variables in a file, below those of the process."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path as FilePath

from maestro_core_config._faults import ConfigFault

_NAME = re.compile(r"[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_.-]*)[ \t]*")
_QUOTED = re.compile(r"'(?P<literal>[^']*)'|\"(?P<text>(?:[^\"\\]|\\.)*)\"", re.DOTALL)
_END = re.compile(r"[ \t]*(?:[ \t]#[^\n]*)?(?:\r?\n|$)")
_COMMENT = re.compile(r"(?:^|[ \t])#.*")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t", "\\": "\\", '"': '"', "$": "$"}
_REFERENCE = re.compile(r"(?<!\\)\$\{[^}]*\}")


@dataclass(slots=True)
class Dotenv:
    """The variables of a `.env` file."""

    file: FilePath
    """The file."""
    variables: dict[str, str] = field(default_factory=dict, repr=False)
    """Value by name."""
    lines: dict[str, int] = field(default_factory=dict)
    """Line by name, counted from 1."""
    faults: list[ConfigFault] = field(default_factory=list)
    """What is wrong with the file as a whole, or with a line that sets nothing."""
    faulty: dict[str, ConfigFault] = field(default_factory=dict)
    """What is wrong with one variable, which matters to those who read it."""
    is_found: bool = False
    """Whether there is such a file."""

    def place(self, name: str) -> str:
        """Tell where a variable stands, as `file:line`."""
        return f"{self.file}:{self.lines[name]}"


def read(file: FilePath) -> Dotenv:
    r"""Read a file.

    Lines are `NAME=value`, with `export` before the name or without. A value in single quotes is taken as it stands, one in double
    quotes knows the escapes of JSON strings' kind (`\n`, `\t`, `\"`, `\\`, `\$`), and both may go over several lines. `#` begins
    a comment at the beginning of a line or after white space. Nothing is expanded: `${NAME}` outside single quotes is a fault of
    that variable, because it would mean one thing to one reader and another to the next.

    Args:
        file: The file.

    Returns:
        Its variables; none, when there is no such file.
    """
    result = Dotenv(file)
    try:
        text = file.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        return result
    except UnicodeDecodeError as error:
        result.is_found = True
        line = error.object[: error.start].count(b"\n") + 1
        result.faults.append(ConfigFault("", f"{file}:{line}", "is not UTF-8 text", "save it as UTF-8"))
        return result
    except OSError as error:
        result.is_found = True
        hint = "check what it is and whom it belongs to"
        result.faults.append(ConfigFault("", str(file), f"cannot be read: {error.strerror}", hint))
        return result
    result.is_found = True
    for name, line, value, problem in _entries(text):
        place = f"{file}:{line}"
        if name is None:
            result.faults.append(ConfigFault("", place, problem, "write lines such as NAME=value"))
        elif name in result.lines:
            result.faulty[name] = ConfigFault(
                "", place, f"{name} is set twice, in line {result.lines[name]} and here", "keep one of them"
            )
        else:
            result.lines[name] = line
            result.variables[name] = value
            if problem:
                hint = "write the value out, or put it in single quotes if it is meant as it stands"
                result.faulty[name] = ConfigFault("", place, f"{name} {problem}", hint)
    return result


def env_file_variables(file: FilePath | str) -> dict[str, str]:
    """Read the variables of a `.env` file, for programs that start services.

    Args:
        file: The file, there or not.

    Returns:
        Value by name; what cannot be read is left out, and told by the service that reads it.
    """
    return read(FilePath(file)).variables


def _entries(text: str) -> Iterator[tuple[str | None, int, str, str]]:
    """Yield each variable's name (None for a line that is none), line, value, and what is wrong with it."""
    position, line = 0, 1
    while position < len(text):
        end = text.find("\n", position)
        end = len(text) if end < 0 else end
        rest = text[position:end].strip()
        match = _NAME.match(text, position, end)
        if not rest or rest.startswith("#"):
            pass
        elif match is None:
            yield None, line, "", "is no variable"
        elif text[match.end() : end].lstrip()[:1] != "=":
            if rest.removeprefix("export ").strip() != match[1]:  # a name alone passes a variable on, and sets nothing
                yield None, line, "", "is no variable"
        else:
            start = text.index("=", match.end()) + 1
            value, problem, after = _value(text, start, end)
            yield (match[1], line, value, problem) if after >= 0 else (None, line, "", problem)
            end = max(end, after)
        line += text.count("\n", position, end + 1)
        position = end + 1


def _value(text: str, start: int, end: int) -> tuple[str, str, int]:
    """Return a value, what is wrong with it, and where it ends; -1 when its quotes do not close."""
    while start < end and text[start] in " \t":
        start += 1
    if text[start : start + 1] not in ("'", '"') or start >= end:
        bare = _COMMENT.sub("", text[start:end]).strip()
        return bare, _unexpanded(bare), end
    quoted = _QUOTED.match(text, start)
    if quoted is None:
        return "", "opens a quote that nothing closes", -1
    if _END.match(text, quoted.end()) is None:
        return "", "goes on after its closing quote", -1
    after = text.find("\n", quoted.end())
    after = len(text) if after < 0 else after
    if quoted["literal"] is not None:
        return quoted["literal"], "", after
    value = _ESCAPE.sub(lambda escape: _ESCAPED.get(escape[1], escape[0]), quoted["text"])
    return value, _unexpanded(quoted["text"]), after


def _unexpanded(value: str) -> str:
    return "holds ${…}, which is not expanded" if _REFERENCE.search(value) else ""
