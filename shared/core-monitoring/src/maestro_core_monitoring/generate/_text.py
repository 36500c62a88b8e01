"""Writing documents the same way every time."""

import json
from typing import Any

_WIDTH = 2


def as_json(document: Any) -> str:
    """Return a document as JSON, in the order that it is in.

    Args:
        document: Dictionaries, lists, texts, numbers.

    Returns:
        Text, with a line end at its end.
    """
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def as_yaml(document: Any, *, comment: str = "") -> str:
    """Return a document as YAML, in the order that it is in.

    Args:
        document: Dictionaries with texts as keys, lists, texts, numbers.
        comment: Stands above it.

    Returns:
        Text, with a line end at its end.
    """
    heading = "".join(f"# {line}\n" for line in comment.splitlines())
    return heading + "\n".join(_lines(document)) + "\n"


def _lines(node: Any) -> list[str]:
    if isinstance(node, dict):
        return [line for key, value in node.items() for line in _entry(f"{key}:", value)]
    return [
        ("- " if position == 0 else "  ") + line
        for item in node
        for position, line in enumerate(_lines(item) if isinstance(item, dict | list) and item else [_scalar(item)])
    ]


def _entry(head: str, value: Any) -> list[str]:
    if isinstance(value, dict | list) and value:
        return [head, *(" " * _WIDTH + line for line in _lines(value))]
    if isinstance(value, str) and ("\n" in value or '"' in value):
        return [f"{head} |-", *(" " * _WIDTH + line for line in value.splitlines())]
    return [f"{head} {_scalar(value)}"]


def _scalar(value: Any) -> str:
    # A text in double quotes, as JSON writes it, is the same in YAML.
    return json.dumps(value, ensure_ascii=False)
