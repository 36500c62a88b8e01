"""A reference as a page in Markdown."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from maestro_core_config._reference import Reference, SettingReference


def page_of(reference: Reference) -> str:
    """Return a page that tells everything that can be set for a service.

    Args:
        reference: What can be set.
    """
    own = [setting for setting in reference.settings if not setting.is_of_every_service]
    shared = [setting for setting in reference.settings if setting.is_of_every_service]
    return "\n".join(_lines(reference, own, shared))


def _lines(reference: Reference, own: list[SettingReference], shared: list[SettingReference]) -> Iterator[str]:
    service = reference.service
    yield f"# Settings of {service}"
    yield ""
    if reference.description:
        yield from (reference.description, "")
    yield f"Highest first: the variable below, the same variable with `MAESTRO_` in the place of the service's name, `config/{service}.yaml`,"
    yield "`config/shared.yaml`, the default. A secret may also come from the file that `<VARIABLE>_FILE` names."
    yield "**Live** settings are taken up by a running service; the others come with the next start."
    for title, settings in (("The service's own", own), ("Of every service", shared)):
        if settings:
            yield from ("", f"## {title}", "")
            yield from _table(settings)
    yield ""


def _table(settings: Iterable[SettingReference]) -> Iterator[str]:
    yield "| setting, variable | type | default | meaning |"
    yield "|---|---|---|---|"
    for setting in settings:
        kind = ", ".join([setting.type, *setting.limits, *([f"in {setting.unit}"] if setting.unit else [])])
        marks = [word for word, is_so in (("live", setting.is_live), ("secret", setting.is_secret)) if is_so]
        meaning = " ".join(
            [*(f"**{mark.capitalize()}.**" for mark in marks if mark not in kind), setting.description]
        ).strip()
        if setting.aliases:
            meaning += f" Also called {', '.join(f'`{alias}`' for alias in setting.aliases)}."
        name = f"`{setting.name}`<br>`{setting.variable}`"
        yield f"| {name} | {_cell(kind)} | {_cell(_default(setting))} | {_cell(meaning)} |"


def _default(setting: SettingReference) -> str:
    if setting.is_required:
        return "**required**"
    if setting.default is None:
        return "none"
    return f"`{setting.default if isinstance(setting.default, str) and setting.default else json.dumps(setting.default, ensure_ascii=False)}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
