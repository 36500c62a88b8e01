"""TOML 1.0."""

from __future__ import annotations

import re
from typing import Any

from maestro_core_config._sources._unparsable import UnparsableError

_POSITION = re.compile(r" \(at (?:line (?P<line>\d+), column \d+|end of document)\)$")


def parse(text: str) -> Any:
    """Read a text.

    Args:
        text: The text.

    Returns:
        Its table.

    Raises:
        UnparsableError: It is no TOML.
    """
    import tomllib  # noqa: PLC0415 - compiles its expressions when it is loaded, and most services have no TOML

    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        # The standard library tells the position in the message only.
        message, position = str(error), _POSITION.search(str(error))
        line = None if position is None else int(position["line"] or text.count("\n") + 1)
        raise UnparsableError(f"is no TOML: {_POSITION.sub('', message)}", line) from None
    except RecursionError:
        raise UnparsableError("is nested too deep") from None
