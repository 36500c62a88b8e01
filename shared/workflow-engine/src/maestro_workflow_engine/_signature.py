"""How a function's arguments and result become JSON values and back."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import cached_property
from typing import Any, get_type_hints

import msgspec

from maestro_workflow_engine import _payload
from maestro_workflow_engine._errors import PayloadError, WorkflowDefinitionError

_Reader = Callable[[bytes], tuple[Any, ...]]
_astuple = msgspec.structs.astuple


class Signature:
    """How a function's arguments become one JSON value and back.

    No parameter gives `null`, one parameter its value itself, several an object by parameter name. That is what
    history shows and what callers over HTTP send.
    """

    def __init__(self, func: Callable[..., Any]) -> None:
        self._func = func
        self._signature = inspect.signature(func)
        self._hints: dict[str, Any] | None = None
        self.parameters = list(self._signature.parameters.values())
        self._names = [parameter.name for parameter in self.parameters]
        self._all_positional = all(
            parameter.kind in (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
            for parameter in self.parameters
        )
        self._all_by_name = all(
            parameter.kind in (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
            for parameter in self.parameters
        )
        for parameter in self.parameters:
            if parameter.kind in (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD):
                msg = f"{func.__qualname__} takes *{parameter.name}; a workflow or step names each of its parameters"
                raise WorkflowDefinitionError(msg)

    def hint(self, name: str) -> Any:
        """Return the annotation of a parameter or of "return"; `Any` where there is none."""
        if self._hints is None:
            closure = inspect.getclosurevars(self._func).nonlocals
            try:
                self._hints = get_type_hints(self._func, localns=dict(closure), include_extras=True)
            except NameError as error:
                msg = (
                    f"the annotations of {self._func.__qualname__} cannot be read: {error}. "
                    "Import the type at run time (not under TYPE_CHECKING) and define it where the function can see it."
                )
                raise WorkflowDefinitionError(msg) from error
        return self._hints.get(name, Any)

    def encode(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> msgspec.Raw:
        """Turn call arguments into JSON.

        Raises:
            PayloadError: The arguments do not fit the signature or have no JSON form.
        """
        if not kwargs and len(args) == len(self.parameters) and self._all_positional:  # the common call, without bind()
            if len(args) == 1:
                return _payload.encode(args[0])
            return _payload.encode(dict(zip(self._names, args, strict=True))) if args else _payload.NULL
        if kwargs and not args and self._all_by_name and kwargs.keys() == set(self._names):  # as documents call
            only = kwargs[self._names[0]] if len(kwargs) == 1 else {name: kwargs[name] for name in self._names}
            return _payload.encode(only)
        try:
            bound = self._signature.bind(*args, **kwargs)
        except TypeError as error:
            raise PayloadError(f"{self._func.__qualname__}: {error}") from error
        if not self.parameters:
            return _payload.NULL
        if len(self.parameters) == 1:
            only = self.parameters[0]
            return _payload.encode(bound.arguments[only.name]) if bound.arguments else _payload.encode(only.default)
        return _payload.encode(bound.arguments)

    def decode(self, raw: msgspec.Raw) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Turn JSON back into call arguments.

        Raises:
            PayloadError: The JSON does not fit the annotations, or a parameter is missing or unknown.
        """
        if not self.parameters:
            return (), {}
        try:  # the common call: every parameter is there, and fits
            if self._read_all is not None:
                return self._read_all(bytes(raw)), {}
        except Exception:  # noqa: BLE001, S110  the long way says what is wrong, if anything is
            pass
        return self._decode_each(raw)

    def _decode_each(self, raw: msgspec.Raw) -> tuple[tuple[Any, ...], dict[str, Any]]:
        if len(self.parameters) == 1:
            only = self.parameters[0]
            if bytes(raw) == b"null" and only.default is None:
                return (), {}
            return self._place(only, _payload.decode(raw, self.hint(only.name)))
        fields = _payload.decode(raw, dict[str, msgspec.Raw])
        args: list[Any] = []
        kwargs: dict[str, Any] = {}
        for parameter in self.parameters:
            if parameter.name not in fields:
                if parameter.default is inspect.Parameter.empty:
                    raise PayloadError(f"{self._func.__qualname__} needs {parameter.name!r}")
                if parameter.kind is not inspect.Parameter.KEYWORD_ONLY:
                    args.append(parameter.default)
                continue
            more_args, more_kwargs = self._place(
                parameter, _payload.decode(fields.pop(parameter.name), self.hint(parameter.name))
            )
            args.extend(more_args)
            kwargs.update(more_kwargs)
        if fields:
            raise PayloadError(f"{self._func.__qualname__} does not take {', '.join(map(repr, fields))}")
        return tuple(args), kwargs

    def decode_result(self, raw: msgspec.Raw) -> Any:
        """Turn JSON back into the function's result, by its return annotation."""
        try:
            return self._read_result(bytes(raw))
        except Exception:  # noqa: BLE001  the long way says what is wrong
            return _payload.decode(raw, self.hint("return"))

    @cached_property
    def _read_result(self) -> Callable[[bytes], Any]:
        return _payload.decoder(self.hint("return"))

    @cached_property
    def _read_all(self) -> _Reader | None:
        """What reads all arguments in one go; None where they are read one by one."""
        if not self._all_positional:
            return None
        if len(self.parameters) == 1:
            only = self.parameters[0]
            return None if only.default is None else _one(_payload.decoder(self.hint(only.name)))
        fields = [(name, self.hint(name)) for name in self._names]
        try:
            return _all_of(_payload.struct_decoder(fields))
        except (TypeError, ValueError):  # an annotation or a name that msgspec does not take
            return None

    @staticmethod
    def _place(parameter: inspect.Parameter, value: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY:
            return (), {parameter.name: value}
        return (value,), {}


def _one(decode: Callable[[bytes], Any]) -> _Reader:
    return lambda data: (decode(data),)


def _all_of(decode: Callable[[bytes], msgspec.Struct]) -> _Reader:
    return lambda data: _astuple(decode(data))
