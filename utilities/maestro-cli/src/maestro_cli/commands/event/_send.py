"""Sending CloudEvents to workflows."""

import json
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import rich_click as click

from maestro_cli import render
from maestro_cli.commands._options import examples, json_option
from maestro_cli.commands._target import Target

_SOURCE: Final = "/maestro-cli"


@click.command("send", short_help="Send an event.")
@click.argument("event_type", metavar="[TYPE]", required=False)
@click.option("--data", "-d", help="The data, as JSON; text that is none is sent as text.")
@click.option(
    "--data-file", type=click.Path(dir_okay=False, path_type=Path, exists=True), help="The data, from a JSON file."
)
@click.option(
    "--file", "-f", "event_file", type=click.File("rb"), help="A whole event as JSON; - reads standard input."
)
@click.option("--source", help=f"Where the event comes from.  [default: {_SOURCE}]")
@click.option(
    "--id",
    "event_id",
    help="Its id; sent again with the same id and source, it is the same event.  [default: a new one]",
)
@click.option("--subject", help="What it is about.")
@click.option(
    "--attribute", "-a", "attributes", multiple=True, metavar="NAME=VALUE", help="Another attribute; may be repeated."
)
@json_option
@examples(
    "maestro event send order.paid --data '{\"order\": 17}'",
    "maestro event send door.opened --source /house/door -a roomid=kitchen",
    "maestro event send --file event.json",
)
@click.pass_obj
def send_event(
    target: Target,
    event_type: str | None,
    data: str | None,
    data_file: Path | None,
    event_file: Any,
    source: str | None,
    event_id: str | None,
    subject: str | None,
    attributes: tuple[str, ...],
    as_json: bool,
) -> None:
    """Send an event of a TYPE, or one that a file holds. It is on disk when the command ends."""
    given = {
        "id": event_id,
        "source": source,
        "type": event_type,
        "subject": subject,
        **dict(map(_attribute, attributes)),
    }
    made = _completed({**_whole(event_file), **{name: value for name, value in given.items() if value is not None}})
    if data is not None and data_file is not None:
        raise click.UsageError("Give the data either with --data or with --data-file.")
    if data is not None:
        made["data"] = _value(data)
    elif data_file is not None:
        made["data"] = _read(data_file.read_bytes(), str(data_file))
    if "type" not in made:
        raise click.UsageError("Which event? Give its TYPE, or --file.")
    is_new = target.call(lambda client: client.send_event(made))
    if as_json:
        render.print_json({"event": made, "new": is_new})
        return
    told = "Sent" if is_new else "Known already:"
    render.err().print(f"{told} event {made['id']} of type {made['type']}.", markup=False, soft_wrap=True)


def _whole(event_file: Any) -> dict[str, Any]:
    if event_file is None:
        return {}
    found = _read(event_file.read(), getattr(event_file, "name", "the file"))
    if not isinstance(found, dict):
        raise click.UsageError("The file must hold one event, as a JSON object.")
    return found


def _completed(event: Mapping[str, Any]) -> dict[str, Any]:
    made = {
        "specversion": "1.0",
        "id": str(uuid.uuid4()),
        "source": _SOURCE,
        "time": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
    }
    return {**made, **event}


def _attribute(text: str) -> tuple[str, Any]:
    name, sign, value = text.partition("=")
    if not sign or not name:
        raise click.UsageError(f"{text!r} is no NAME=VALUE.")
    return name, value


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _read(content: bytes, name: str) -> Any:
    try:
        return json.loads(content)
    except ValueError as error:
        raise click.UsageError(f"{name} holds no JSON: {error}") from error
