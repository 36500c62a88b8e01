"""YAML 1.2: `on`, `no` and `yes` are words, not truth values."""

from __future__ import annotations

from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from maestro_core_config._sources._unparsable import UnparsableError

_MOST_VALUES = 100_000


def parse(text: str) -> Any:
    """Read a text.

    Args:
        text: The text, one document.

    Returns:
        Its value; None for an empty text.

    Raises:
        UnparsableError: It is no YAML, holds several documents, has a key twice, uses a tag, or holds itself by an alias.
    """
    try:
        value = _reader().load(text)
        if "*" in text and _size(value, {}) > _MOST_VALUES:
            raise UnparsableError("stands for more values than can be meant: its aliases multiply them")
        return value
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        what = " ".join(str(error.problem or error.context).split())
        raise UnparsableError(f"is no YAML: {what}", mark.line + 1 if mark else None) from None
    except (YAMLError, ValueError) as error:
        raise UnparsableError(f"is no YAML: {' '.join(str(error).split())}") from None
    except RecursionError:
        raise UnparsableError("is nested too deep") from None


def lines(text: str) -> dict[tuple[str, ...], int]:
    """Return where each value stands.

    Args:
        text: A text that can be read.

    Returns:
        Line of the key (or of the list's item) by path, counted from 1.
    """
    found: dict[tuple[str, ...], int] = {}
    _walk(_reader().compose(text), (), found)
    return found


def _size(value: Any, known: dict[int, int]) -> int:
    """Count the values that a value stands for once its aliases are written out."""
    if not isinstance(value, (dict, list)):
        return 1
    if (size := known.get(id(value))) == 0:
        raise UnparsableError("holds itself by an alias")
    if size is None:
        known[id(value)] = 0  # while it is being counted
        size = known[id(value)] = 1 + sum(
            _size(part, known) for part in (value.values() if isinstance(value, dict) else value)
        )
    return size


def _reader() -> YAML:
    return YAML(typ="safe", pure=True)  # only the pure reader knows YAML 1.2


def _walk(node: Node | None, path: tuple[str, ...], found: dict[tuple[str, ...], int]) -> None:
    if isinstance(node, MappingNode):
        for key, value in node.value:
            if isinstance(key, ScalarNode) and (here := (*path, key.value)) not in found:
                found[here] = key.start_mark.line + 1
                _walk(value, here, found)
    elif isinstance(node, SequenceNode):
        for index, value in enumerate(node.value):
            if (here := (*path, str(index))) not in found:
                found[here] = value.start_mark.line + 1
                _walk(value, here, found)
