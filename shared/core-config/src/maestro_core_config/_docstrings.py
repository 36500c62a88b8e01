"""What stands below the fields of a class, which Python does not keep."""

from __future__ import annotations

import ast
import inspect
import textwrap
from functools import lru_cache
from itertools import pairwise


@lru_cache(maxsize=256)
def attribute_docstrings(cls: type) -> dict[str, str]:
    """Return the texts below a class's fields, those of its bases included.

    Args:
        cls: A pydantic model, a dataclass or a typed dictionary.

    Returns:
        Text by field name, on one line; nothing of a class whose source is not there.
    """
    found: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        if base.__module__ not in {"builtins", "typing", "pydantic.main"}:
            found |= _of(base)
    return found


def _of(cls: type) -> dict[str, str]:
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(cls)))
    except (OSError, TypeError, SyntaxError):
        return {}
    body = tree.body[0].body if isinstance(tree.body[0], ast.ClassDef) else []
    found = {}
    for field, below in pairwise(body):
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(below, ast.Expr)
            and isinstance(below.value, ast.Constant)
            and isinstance(below.value.value, str)
        ):
            found[field.target.id] = " ".join(below.value.value.split())
    return found
