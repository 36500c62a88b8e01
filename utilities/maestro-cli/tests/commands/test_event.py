"""Against a real orchestrator: events that are sent from the command line."""

import json
from pathlib import Path
from typing import Any

from maestro_cli.testing import Workspace, until

DOCUMENT = """
document: {dsl: '1.0.3', namespace: shop, name: door, version: 1.0.0}
schedule:
  on: {one: {with: {type: door.opened}}}
  read: envelope
do:
  - seen: {set: {event: '${ $workflow.input[0] }'}}
"""


def _sent(space: Workspace, *arguments: str) -> Any:
    done = space.ask("event", "send", *arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def _json(space: Workspace, *arguments: str) -> Any:
    done = space.ask(*arguments, "--json")
    return json.loads(done.stdout) if done.returncode == 0 else None


def _count(space: Workspace) -> int:
    return int(space.ask("workflow", "count", "--workflow", "shop/door").stdout)


def test_an_event_starts_a_document_that_waits_for_it(shop: Workspace, tmp_path: Path) -> None:
    """What the options say is in the event; sent again with its id, it is known."""
    (tmp_path / "door.yaml").write_text(DOCUMENT)
    (tmp_path / "event.json").write_text(json.dumps({"type": "door.closed", "id": "c1", "data": [1]}))
    registered = shop.ask("workflow", "run", str(tmp_path / "door.yaml"), "--no-wait")
    assert registered.returncode == 0, registered.stderr
    until(lambda: (_json(shop, "workflow", "show", "shop.door.on:1.0.0") or {}).get("waiting_for"))
    first = _sent(
        shop, "door.opened", "-d", '{"n": 1}', "--source", "/house", "--id", "e1", "-a", "roomid=k", "--subject", "x"
    )
    assert first["new"] is True
    expected = {
        "specversion": "1.0", "id": "e1", "source": "/house", "type": "door.opened", "subject": "x", "roomid": "k", "data": {"n": 1},
    }  # fmt: skip
    assert {**expected, "time": first["event"]["time"]} == first["event"]
    assert _sent(shop, "door.opened", "--source", "/house", "--id", "e1")["new"] is False
    until(lambda: _count(shop) == 2)
    assert _sent(shop, "--file", str(tmp_path / "event.json"), "--source", "/lock")["event"]["data"] == [1]
    assert _sent(shop, "word", "-d", "no json")["event"]["data"] == "no json"


def test_what_is_no_event_is_said(shop: Workspace) -> None:
    """Before it is sent where that is known, else with the answer."""
    for arguments, words in (
        ((), "Give its TYPE"),
        (("x", "-a", "novalue"), "no NAME=VALUE"),
        (("x", "-a", "roomId=1"), "no attribute name"),
    ):
        done = shop.ask("event", "send", *arguments)
        assert done.returncode != 0
        assert words in " ".join(done.stderr.split())
