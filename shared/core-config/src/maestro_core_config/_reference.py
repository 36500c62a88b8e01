"""What can be set, for people: every setting with its variable, type, default, unit and meaning."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import MISSING, dataclass, fields, is_dataclass, replace
from typing import Any, get_type_hints

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from maestro_core_config._describing import choices_in_words, limits_in_words, type_in_words, unit_of
from maestro_core_config._docstrings import attribute_docstrings
from maestro_core_config._explanation import as_json
from maestro_core_config._merging import default_of
from maestro_core_config._model import BaseConfig
from maestro_core_config._reading import SHARED_PREFIX
from maestro_core_config._secrets import is_named_secret, masked
from maestro_core_config._service_name import variable_prefix
from maestro_core_config._settings import Settings, part_of, settings_of
from maestro_core_config._shapes import Shape


@dataclass(frozen=True, slots=True)
class SettingReference:
    """One setting, or one part of a nested one."""

    name: str
    """Its name in files; `nodes[].url` is a part of each item of a list, `queues.<name>.size` one of each entry of a mapping."""
    variable: str
    """The service's own variable for it."""
    shared_variable: str
    """The variable that sets it for every service."""
    type: str
    """Its type in words."""
    default: Any
    """Its default as JSON, masked when it is secret; None when it is required or a part of something that has no default."""
    is_required: bool
    """Whether there is no default, so that some source has to give it; of a part: once what is around it is given."""
    is_secret: bool
    """Whether it is never shown, and may be read from a file."""
    is_live: bool
    """Whether the running service takes up a change."""
    is_of_every_service: bool
    """Whether it comes with `BaseConfig`."""
    unit: str = ""
    """What a number counts; empty when that is not said."""
    limits: tuple[str, ...] = ()
    """What is asked of a value beside its type, in words."""
    choices: tuple[str, ...] = ()
    """The values it may have, where they are listed."""
    description: str = ""
    """What it is for."""
    aliases: tuple[str, ...] = ()
    """Other names that files may use."""


@dataclass(frozen=True, slots=True)
class Reference:
    """Everything that can be set for a service."""

    service: str
    """Its name."""
    description: str
    """What the class says of itself."""
    settings: tuple[SettingReference, ...]
    """The settings: the service's own first, then those of every service."""

    def markdown(self) -> str:
        """Return a page in Markdown."""
        from maestro_core_config._reference_page import page_of  # noqa: PLC0415 - it needs this module

        return page_of(self)


def reference_of(model: type[BaseConfig], service_name: str) -> Reference:
    """Describe what can be set.

    Args:
        model: The configuration's class.
        service_name: What variables are named by.

    Returns:
        The reference.
    """
    found = list(_Walk(service_name).fields(model, settings_of(model), (), (), ()))
    found.sort(key=lambda setting: setting.is_of_every_service)
    description = "" if model is BaseConfig else (model.__doc__ or "").strip()
    return Reference(service_name, description, tuple(found))


class _Walk:
    """Goes through a class and what its settings hold."""

    def __init__(self, service_name: str) -> None:
        self._prefix = variable_prefix(service_name)

    def fields(
        self, model: type, settings: Settings, path: tuple[str, ...], around: tuple[type, ...], default: tuple[Any, ...]
    ) -> Iterator[SettingReference]:
        infos = model.model_fields if issubclass(model, BaseModel) else {}
        hints = {} if infos else get_type_hints(model, include_extras=True)
        for name, shape in settings.shapes.items():
            info = infos.get(name)
            annotation = info.annotation if info is not None else hints[name]
            metadata = info.metadata if info is not None else getattr(hints[name], "__metadata__", ())
            own = (default[0][name],) if default and isinstance(default[0], dict) and name in default[0] else ()
            given = own or default_of(model, name)
            here = (*path, name)
            variable = "__".join(part.strip("<>").upper() if part != "[]" else "0" for part in here)
            yield SettingReference(
                name=".".join(here).replace(".[]", "[]"),
                variable=self._prefix + variable,
                shared_variable=SHARED_PREFIX + variable,
                type=type_in_words(annotation),
                default=masked(shape, name, as_json(given[0])) if given else None,
                is_required=info.is_required() if info is not None else name in _required(model),
                is_secret=shape.is_secret or is_named_secret(shape, name),
                is_live=shape.is_live,
                is_of_every_service=here[0] in BaseConfig.model_fields,
                unit=unit_of(name, annotation, metadata),
                limits=tuple(limits_in_words(metadata)),
                choices=choices_in_words(annotation),
                description=_described(info) or attribute_docstrings(model).get(name, ""),
                aliases=tuple(alias for alias, field in settings.names.items() if field == name and alias != name),
            )
            yield from self._inside(shape, here, around, given)

    def _inside(
        self, shape: Shape, path: tuple[str, ...], around: tuple[type, ...], default: tuple[Any, ...]
    ) -> Iterator[SettingReference]:
        if not shape.models and shape.item is not None:
            path = (*path, "[]" if shape.is_list else "<name>")
            shape, default = replace(shape.item, is_live=shape.is_live or shape.item.is_live), ()
        told: set[tuple[str, str, tuple[str, ...]]] = set()
        for model in shape.models:
            if model in around:
                continue  # a class that holds itself is told once
            settings = settings_of(model)
            parts = {name: part_of(shape, name) or own for name, own in settings.shapes.items()}
            known = replace(settings, shapes={name: parts[name] for name in settings.shapes})
            given = default if len(shape.models) == 1 else ()
            for setting in self.fields(model, known, path, (*around, model), given):
                key = (setting.name, setting.type, setting.choices)
                if key not in told:  # the classes of a union may have parts in common
                    told.add(key)
                    yield setting


def _described(info: FieldInfo | None) -> str:
    return " ".join((info.description or "").split()) if info is not None else ""


def _required(model: type) -> frozenset[str]:
    if is_dataclass(model):
        return frozenset(
            field.name for field in fields(model) if field.default is MISSING and field.default_factory is MISSING
        )
    return frozenset(getattr(model, "__required_keys__", ()))
