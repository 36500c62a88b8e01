"""Values in and out of the journal: JSON by msgspec, with pydantic models let in through the hooks."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, cast

import msgspec
from pydantic import BaseModel, TypeAdapter, ValidationError

from maestro_workflow_engine._errors import PayloadError
from maestro_workflow_engine._nesting import is_deeper_than

NULL = msgspec.Raw(b"null")
MOST_LEVELS = 200
"""How deep arrays and objects may lie in one another. Deeper ones would be read back or not by how deep the stack happens to be."""
_TOO_DEEP = (
    f"cannot be kept in the journal: it is nested more than {MOST_LEVELS} levels deep; flatten it, or keep it as text"
)


def _to_builtin(value: object) -> object:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    msg = f"{type(value).__module__}.{type(value).__qualname__} is not a pydantic model, dataclass, msgspec Struct or JSON value"
    raise TypeError(msg)


def _from_builtin(expected: Any, value: object) -> object:
    if isinstance(expected, type) and issubclass(expected, BaseModel):
        return expected.model_validate(value)
    return TypeAdapter(expected).validate_python(value)


_encoder = msgspec.json.Encoder(enc_hook=_to_builtin)
_any_decoder = msgspec.json.Decoder()


@lru_cache(maxsize=4096)
def decoder(expected: Any) -> Callable[[bytes], object]:
    """Return what turns JSON into a value of a type. It raises whatever it likes; `decode` says what is wrong.

    Raises:
        TypeError: The annotation cannot be hashed.
    """
    if expected is Any or expected is object:
        return _any_decoder.decode
    try:
        return msgspec.json.Decoder(expected, dec_hook=_from_builtin).decode
    except TypeError:  # a kind of annotation that msgspec does not know and pydantic may
        return cast("Callable[[bytes], object]", TypeAdapter(expected).validate_json)


def struct_decoder(fields: list[tuple[str, Any]]) -> Callable[[bytes], msgspec.Struct]:
    """Return what turns a JSON object with exactly these fields, by name and type, into a Struct.

    Raises:
        TypeError: msgspec does not know one of the annotations.
    """
    made = msgspec.defstruct("Arguments", fields, forbid_unknown_fields=True, gc=False)
    return msgspec.json.Decoder(made, dec_hook=_from_builtin).decode


def encode(value: object) -> msgspec.Raw:
    """Turn a value into JSON.

    Args:
        value: A pydantic model, dataclass, msgspec Struct or JSON-like value.

    Returns:
        The JSON text as raw bytes that embed in a journal event without being copied.

    Raises:
        PayloadError: The value holds something that has no JSON form.
    """
    try:
        data = _encoder.encode(value)
    except RecursionError as error:
        raise PayloadError(_TOO_DEEP) from error
    except (TypeError, ValueError, OverflowError) as error:
        raise PayloadError(f"cannot be kept in the journal: {error}") from error
    if len(data) > 2 * MOST_LEVELS and is_deeper_than(MOST_LEVELS, data):
        raise PayloadError(_TOO_DEEP)
    return msgspec.Raw(data)


def decode(raw: msgspec.Raw | bytes, expected: Any = Any) -> Any:
    """Turn JSON back into a value of the expected type.

    Args:
        raw: JSON text.
        expected: A type annotation; `Any` gives plain JSON values.

    Returns:
        The value; models, dataclasses and Structs are built anew.

    Raises:
        PayloadError: The JSON does not fit the type.
    """
    data = bytes(raw)
    try:
        decode_ = decoder(expected)
    except TypeError:  # an annotation that cannot be hashed is rebuilt on each use
        decode_ = cast("Callable[[bytes], object]", TypeAdapter(expected).validate_json)
    try:
        return decode_(data)
    except (msgspec.ValidationError, msgspec.DecodeError, ValidationError) as error:
        name = getattr(expected, "__name__", str(expected))
        raise PayloadError(f"does not fit {name}: {error}") from error
    except Exception as error:
        # A type's own validation may raise whatever it likes.
        name = getattr(expected, "__name__", str(expected))
        raise PayloadError(f"does not fit {name}: {type(error).__name__}: {error}") from error
