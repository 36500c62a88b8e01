"""Which expressions make an event anew each time."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import Final

_TEXT_OF: Final = frozenset({"str", "repr", "ascii"})
_ADVICE: Final = "keep the words fixed and pass what varies as fields"

Assigned = Mapping[str, list[ast.expr | None]]
"""What a function assigns to its names; None where that is not known."""


def fault_of(event: ast.expr, assigned: Assigned) -> tuple[str, str] | None:
    """Judge an event.

    Args:
        event: Its expression.
        assigned: What the function around it assigns to its names.

    Returns:
        The rule's code and what to do; None when the event is fine or cannot be judged.
    """
    if isinstance(event, ast.IfExp):
        return fault_of(event.body, assigned) or fault_of(event.orelse, assigned)
    if isinstance(event, ast.NamedExpr):
        return fault_of(event.value, assigned)
    if isinstance(event, ast.Name):
        values = assigned.get(event.id, [])
        faults = [fault_of(value, {}) if value is not None else None for value in values]
        return faults[0] if faults and all(faults) else None
    if isinstance(event, ast.JoinedStr) and any(isinstance(part, ast.FormattedValue) for part in event.values):
        return "MLG001", f"an f-string is logged: {_ADVICE}{_fields(event)}"
    if _is_put_together(event):
        return "MLG002", f"an event is put together: {_ADVICE}{_fields(event)}"
    if isinstance(event, ast.Call) and isinstance(event.func, ast.Name) and event.func.id in _TEXT_OF and event.args:
        return "MLG003", (
            "an event is the text of an object: say what happened, and pass the object as a field (an exception as exc_info)"
        )
    return None


def _is_put_together(node: ast.expr) -> bool:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        sides = (node.left, node.right)
        return any(map(_is_text, sides)) and not all(isinstance(side, ast.Constant) for side in sides)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod):
        return _is_text(node.left)
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("format", "join")


def _is_text(node: ast.expr) -> bool:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _is_text(node.left) or _is_text(node.right)
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def _fields(event: ast.expr) -> str:
    """Suggest fields for what an event is made of."""
    fields = list(dict.fromkeys(_suggested(event)))
    return f", such as {', '.join(fields[:4])}" if fields else ""


def _suggested(event: ast.expr) -> Iterator[str]:
    inner = [event]
    if isinstance(event, ast.Call):  # "…".format(a, b=c), ", ".join(names)
        inner = [*event.args, *(keyword.value for keyword in event.keywords)]
    for part in inner:
        names = [node for node in ast.walk(part) if isinstance(node, ast.Name) and node.id != "self"]
        for name in sorted(names, key=lambda node: (node.lineno, node.col_offset)):
            yield f"{name.id}={_whole(part, name)}"


def _whole(tree: ast.expr, name: ast.Name) -> str:
    """Return the dotted expression that a name begins."""
    whole: ast.expr = name
    while parent := next(
        (node for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.value is whole), None
    ):
        whole = parent
    return ast.unparse(whole)
