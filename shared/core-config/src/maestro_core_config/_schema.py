"""A JSON Schema of a service's configuration file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue, JsonSchemaWarningKind
from pydantic_core import core_schema

from maestro_core_config._describing import unit_of
from maestro_core_config._docstrings import attribute_docstrings
from maestro_core_config._secrets import is_named_secret, masked
from maestro_core_config._service_name import variable_prefix
from maestro_core_config._settings import Settings, settings_of
from maestro_core_config._unknown_keys import SCHEMA_KEY

DIALECT = "https://json-schema.org/draft/2020-12/schema"


class _OfFiles(GenerateJsonSchema):
    """Describes what a file may hold, which is more than what JSON dumps hold."""

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        """Describe fields by the texts below them, which classes do not read by themselves: it would slow down every import."""
        described = super().model_schema(schema)
        properties: dict[str, Any] = described.get("properties", {})
        model: type = schema["cls"]
        for name, text in attribute_docstrings(model).items() if properties else ():
            if name in properties:
                properties[name].setdefault("description", text)
        return described

    def timedelta_schema(self, schema: core_schema.TimedeltaSchema) -> JsonSchemaValue:
        """A duration is seconds or ISO 8601."""
        return {"anyOf": [{"type": "number"}, super().timedelta_schema(schema)]}

    def handle_invalid_for_json_schema(self, _schema: core_schema.CoreSchema, _error_info: str) -> JsonSchemaValue:
        """A type that JSON Schema cannot describe may hold anything; validation judges it."""
        return {}

    def emit_warning(self, _kind: JsonSchemaWarningKind, _detail: str) -> None:
        """A default that JSON cannot hold is left out, which is nothing to warn of."""


def schema_of(model: type[BaseModel], service_name: str) -> dict[str, Any]:
    """Describe a service's configuration file.

    Args:
        model: The configuration's class.
        service_name: What variables are named by.

    Returns:
        The schema. Nothing is required, since any source may give any part; unknown names are refused as loading refuses them;
        `x-variable`, `x-unit` and `x-live` tell of a setting what JSON Schema has no word for.
    """
    schema = model.model_json_schema(schema_generator=_OfFiles, mode="validation", by_alias=False)
    _loosen(schema)
    settings = settings_of(model)
    properties: dict[str, Any] = schema.get("properties", {})
    for name, shape in settings.shapes.items():
        field, described = model.model_fields[name], properties[name]
        described["x-variable"] = f"{variable_prefix(service_name)}{name.upper()}"
        if unit := unit_of(name, field.annotation, field.metadata):
            described["x-unit"] = unit
        if shape.is_live:
            described["x-live"] = True
        if "default" in described:
            described["default"] = masked(shape, name, described["default"])
        if shape.is_secret or is_named_secret(shape, name):
            described["writeOnly"] = True
    properties |= _aliases(settings, properties)
    properties[SCHEMA_KEY] = {"type": "string", "description": "Where this schema is, for editors."}
    return {SCHEMA_KEY: DIALECT, **schema, "title": f"Configuration of {service_name}"}


def _aliases(settings: Settings, properties: Mapping[str, Any]) -> dict[str, Any]:
    return {alias: properties[name] for alias, name in settings.names.items() if alias not in properties}


def _loosen(schema: Any) -> None:
    if isinstance(schema, list):
        for part in schema:
            _loosen(part)
    if not isinstance(schema, dict):
        return
    if isinstance(schema.get("properties"), dict):
        schema.pop("required", None)
        schema.setdefault("additionalProperties", False)
        for name, described in schema["properties"].items():
            if described.get("default") is not None:
                described["default"] = masked(None, name, described["default"])
    for part in schema.values():
        _loosen(part)
