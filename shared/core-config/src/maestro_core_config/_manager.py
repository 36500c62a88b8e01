"""Loading a model from its layers."""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar, cast

from pydantic import ValidationError
from pydantic_core import to_jsonable_python

from maestro_core_config._faults import ConfigError, ConfigFault
from maestro_core_config._model import BaseConfig
from maestro_core_config._secrets import masked
from maestro_core_config._sources import environment, files
from maestro_core_config._sources._layer import Layer

M = TypeVar("M", bound=BaseConfig)
DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class FieldExplanation:
    """Where one setting's value comes from."""

    name: str
    """The setting."""

    value: Any
    """Its value as JSON; a secret is masked."""

    source: str
    """A variable, `file:line`, or "default"."""

    overridden: tuple[tuple[str, Any], ...] = ()
    """The sources it won over, highest first, each with the (masked) value it would have given."""


class ConfigManager(Generic[M]):
    """Loads one service's configuration.

    The order, highest first: `<SERVICE_NAME>_<FIELD>`, `MAESTRO_<FIELD>`, `<folder>/<service-name>.*`, `<folder>/shared.*`,
    the default in the class. Nested settings are merged key by key.

    Args:
        model: The configuration's class.
        service_name: Default: the class's own.
        config_dir: The folder of the files. Default: `MAESTRO_CONFIG_DIR`, else `./config`.
        environ: The variables. Default: the process's.
    """

    def __init__(
        self,
        model: type[M],
        *,
        service_name: str | None = None,
        config_dir: Path | str | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self.model = model
        self.service_name = service_name or model.service_name
        self._environ = os.environ if environ is None else environ
        self.config_dir = Path(config_dir or self._environ.get("MAESTRO_CONFIG_DIR") or "config")

    def load(self) -> M:
        """Read, merge and validate.

        Returns:
            The configuration.

        Raises:
            ConfigError: Something is wrong; lists all of it.
        """
        layers = self._layers()
        faults = [fault for layer in layers for fault in layer.faults]
        faults += self._unknown_keys(layers[2])
        merged = self._merged(layers)
        try:
            config = self.model.model_validate(merged)
        except ValidationError as error:
            faults += [
                self._fault(dict(detail), layers) for detail in error.errors(include_url=False, include_input=False)
            ]
        if faults:
            raise ConfigError(self.service_name, faults)
        return config

    def explain(self) -> list[FieldExplanation]:
        """Tell where every value comes from.

        Returns:
            One entry per setting, in the order of the class.

        Raises:
            ConfigError: The configuration cannot be loaded.
        """
        config = self.load()
        dumped = config.model_dump(mode="json")
        layers = self._layers()
        explanations = []
        for name, field in self.model.model_fields.items():
            given = [
                (self._place(layer, name), masked(field.annotation, layer.values[name]))
                for layer in layers
                if name in layer.values
            ]
            if not field.is_required():
                default = field.get_default(call_default_factory=True, validated_data={})
                given.append((DEFAULT, masked(field.annotation, to_jsonable_python(default))))
            value = masked(field.annotation, dumped[name])
            explanations.append(FieldExplanation(name, value, given[0][0], tuple(given[1:])))
        return explanations

    def _layers(self) -> tuple[Layer, Layer, Layer, Layer]:
        prefix = self.service_name.upper().replace("-", "_").replace(".", "_")
        return (
            environment.read(self.model, prefix, self._environ),
            environment.read(self.model, "MAESTRO", self._environ),
            files.read(self.config_dir, self.service_name),
            files.read(self.config_dir, "shared"),
        )

    def _merged(self, layers: tuple[Layer, ...]) -> dict[str, Any]:
        merged: dict[str, Any] = {}
        for layer in reversed(layers):
            known = {name: value for name, value in layer.values.items() if name in self.model.model_fields}
            merged = _merge(merged, known)
        return merged

    def _unknown_keys(self, layer: Layer) -> list[ConfigFault]:
        fields = list(self.model.model_fields)
        return [
            ConfigFault(name, self._place(layer, name), "there is no such setting", _did_you_mean(name, fields))
            for name in layer.values
            if name not in self.model.model_fields
        ]

    def _fault(self, detail: dict[str, Any], layers: tuple[Layer, ...]) -> ConfigFault:
        path = tuple(str(part) for part in cast("tuple[object, ...]", detail["loc"]))
        name = path[0] if path else ""
        message = str(detail["msg"]).removeprefix("Value error, ")
        for layer in layers:
            if name in layer.values:
                known = [layer.places[path[:end]] for end in range(len(path), 0, -1) if path[:end] in layer.places]
                return ConfigFault(".".join(path), known[0] if known else self._place(layer, name), message)
        variable = f"{self.service_name.upper().replace('-', '_')}_{name.upper()}"
        hint = f"set {variable}, or {name} in {self.config_dir / self.service_name}.yaml"
        return ConfigFault(".".join(path), "nowhere", "is required and not set", hint)

    @staticmethod
    def _place(layer: Layer, name: str) -> str:
        if (name,) in layer.places:
            return layer.places[(name,)]
        return next((place for path, place in layer.places.items() if path[0] == name), "unknown")


def _merge(low: dict[str, Any], high: dict[str, Any]) -> dict[str, Any]:
    merged = dict(low)
    for key, value in high.items():
        below = merged.get(key)
        merged[key] = _merge(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return merged


def _did_you_mean(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {close[0]!r}?" if close else ""
