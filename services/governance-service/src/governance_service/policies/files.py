"""Policies as files: `<name>.cedar` with its schema `<name>.cedarschema` and its tests `<name>.tests.yaml` beside it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from governance_service.policies.domain import Fault, InvalidPolicyError, PolicySource

BUILTIN: Final = Path(__file__).parent / "builtin"
_RULES, _SCHEMA, _TESTS = ".cedar", ".cedarschema", ".tests.yaml"
_MAX_BYTES: Final = 1024 * 1024


def policy_files(place: Path) -> Iterator[Path]:
    """Find policies.

    Args:
        place: A `.cedar` file, or a folder of them.

    Yields:
        Each file of rules, by name.

    Raises:
        FileNotFoundError: There is neither.
    """
    if place.is_dir():
        yield from sorted(place.glob(f"*{_RULES}"))
    elif place.is_file():
        yield place
    else:
        raise FileNotFoundError(f"there is no file or folder {place}")


def read_policy(rules: Path) -> tuple[str, PolicySource]:
    """Read a policy from its files. The comment that its rules begin with describes it.

    Args:
        rules: The `.cedar` file.

    Returns:
        Its name, and what the files say.

    Raises:
        InvalidPolicyError: One is missing, is no text, or its tests are no YAML.
    """
    name = rules.name.removesuffix(_RULES)
    text = _read(name, rules)
    schema = _read(name, rules.with_name(name + _SCHEMA))
    tests_file = rules.with_name(name + _TESTS)
    tests = _tests(name, tests_file) if tests_file.exists() else []
    return name, PolicySource(text, schema, tuple(tests), _description(text))


def _tests(name: str, path: Path) -> list[Any]:
    try:
        found = YAML(typ="safe", pure=True).load(_read(name, path))
    except (YAMLError, RecursionError) as error:
        raise InvalidPolicyError(name, [Fault(path.name, f"is no YAML: {error}")]) from error
    if not isinstance(found, list):
        raise InvalidPolicyError(name, [Fault(path.name, "must be a list of tests")])
    return found


def _read(name: str, path: Path) -> str:
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise InvalidPolicyError(name, [Fault(path.name, "is larger than a megabyte")])
        return path.read_text("utf-8")
    except FileNotFoundError as error:
        raise InvalidPolicyError(name, [Fault(path.name, f"is missing beside {name}{_RULES}")]) from error
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidPolicyError(name, [Fault(path.name, f"cannot be read: {error}")]) from error


def _description(text: str) -> str:
    lines: list[str] = []
    for line in text.splitlines():
        if not line.startswith("//"):
            break
        lines.append(line.removeprefix("//").strip())
    return " ".join(lines)
