"""One file of Python, read."""

from __future__ import annotations

import ast
import warnings
from dataclasses import dataclass
from functools import cached_property

from maestro_workflow_engine.lint._binding import Bindings, bind
from maestro_workflow_engine.lint._errors import LintSourceError
from maestro_workflow_engine.lint._suppressions import Suppressions


@dataclass(eq=False)
class Module:
    """A file's syntax, names and comments."""

    path: str
    """As findings name it."""
    name: str
    """The dotted name it is imported by."""
    text: str
    tree: ast.Module
    bindings: Bindings

    @cached_property
    def suppressions(self) -> Suppressions:
        """The comments that silence rules."""
        return Suppressions(self.text)

    @cached_property
    def lines(self) -> list[str]:
        """The file's lines, as the parser counts them."""
        return self.text.replace("\r\n", "\n").replace("\r", "\n").split("\n")

    def column(self, node: ast.expr | ast.stmt) -> int:
        """Return a node's column in characters, from 1; the parser counts bytes."""
        line = self.lines[node.lineno - 1]
        return len(line.encode()[: node.col_offset].decode(errors="replace")) + 1


def read_module(text: str, path: str, name: str, *, is_package: bool = False) -> Module:
    """Read a file's text.

    Args:
        text: The text.
        path: The file, for findings and errors.
        name: The dotted name it is imported by.
        is_package: Whether it is an `__init__`.

    Returns:
        The module.

    Raises:
        LintSourceError: The text is no Python.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the compiler's remarks are not about determinism
            tree = ast.parse(text, path)
        bindings = bind(tree, name, is_package=is_package)
    except SyntaxError as error:
        raise LintSourceError(path, f"no Python: {error.msg}", error.lineno, error.offset) from error
    except ValueError as error:
        raise LintSourceError(path, f"no Python: {error}") from error
    except (RecursionError, MemoryError) as error:
        raise LintSourceError(path, "its expressions are nested too deeply") from error
    return Module(path, name, text, tree, bindings)
