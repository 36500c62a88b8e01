"""Verifying the trail, here: the service gives it, and is not asked whether it is intact."""

import json
from pathlib import Path
from typing import Any

import rich_click as click

from maestro_cli import render
from maestro_cli._errors import AuditBrokenError, InputError
from maestro_cli.commands._governance_target import GovernanceTarget
from maestro_cli.commands._options import examples, json_option
from maestro_cli.governance import (
    GovernanceClient,
    TrailBroken,
    TrailReader,
    TrailReport,
    Witness,
    read_witness,
    write_witness,
)

_WITNESS = "audit-witness.json"


@click.command("verify", short_help="Verify that nobody has changed the trail.")
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path))
@click.option(
    "keys_file",
    "--keys",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The public keys that are trusted (a JSON Web Key Set), kept from elsewhere.",
)
@click.option(
    "witness_file",
    "--witness",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where what was seen is kept; by default in the environment's folder, for a trail that a service gives.",
)
@json_option
@examples("maestro audit verify", "maestro audit verify audit.jsonl --keys audit-keys.json")
@click.pass_obj
def verify_trail(
    target: GovernanceTarget, file: Path | None, keys_file: Path | None, witness_file: Path | None, as_json: bool
) -> None:
    """Verify the trail in FILE, an export, or that of governance-service.

    Every entry, and every signature over the chain, is checked here. What was seen is kept, so that a trail that has become shorter
    or another one since the last time is noticed, whoever has changed whatever. The exit code is 1 when the trail is broken, and the first
    broken entry is named.
    """
    if witness_file is None and file is None:
        witness_file = target.home.root / _WITNESS
    seen = None if witness_file is None else read_witness(witness_file)
    keys = _keys(keys_file) if keys_file is not None else None if seen is None else seen.keys
    reader = TrailReader(
        keys=keys, seen=None if seen is None else seen.checkpoint, log_id=None if seen is None else seen.log_id
    )
    header: list[bytes] = []
    try:
        report = (
            _from_file(reader, file, header)
            if file is not None
            else target.call(lambda client: _from_service(reader, client, header))
        )
    except TrailBroken as broken:
        if as_json:
            render.print_json({"intact": False, "broken": _shown(broken)})
        raise AuditBrokenError(broken.fault, broken.position, broken.entry_id, str(broken)) from None
    if witness_file is not None and report.checkpoint is not None:
        write_witness(witness_file, report.log_id, keys or {"keys": json.loads(header[0])["keys"]}, report.checkpoint)
    _tell(report, seen, keys_file, as_json=as_json)


def _from_file(reader: TrailReader, file: Path, header: list[bytes]) -> TrailReport:
    with click.open_file(str(file), "rb") as lines:
        for line in lines:
            _read(reader, line, header)
    return reader.report()


async def _from_service(reader: TrailReader, client: GovernanceClient, header: list[bytes]) -> TrailReport:
    rest = b""
    async with client.read("audit", "export") as portions:
        async for portion in portions:
            *lines, rest = (rest + portion).split(b"\n")
            for line in lines:
                _read(reader, line, header)
    if rest:
        _read(reader, rest, header)
    return reader.report()


def _read(reader: TrailReader, line: bytes, header: list[bytes]) -> None:
    reader.read(line)
    if not header:
        header.append(line)


def _keys(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_bytes())
    except ValueError:
        found = None
    if not isinstance(found, dict) or not isinstance(found.get("keys"), list):
        raise InputError(
            f"{file} is no JSON Web Key Set", hint="GET /audit/keys of governance-service answers with one."
        )
    return found


def _shown(broken: TrailBroken) -> dict[str, Any]:
    return {"fault": broken.fault, "position": broken.position, "entry_id": broken.entry_id, "text": str(broken)}


def _tell(report: TrailReport, seen: Witness | None, keys_file: Path | None, *, as_json: bool) -> None:
    if as_json:
        render.print_json(
            {
                "intact": True,
                "log_id": report.log_id,
                "entries": report.entries,
                "head": report.head,
                "head_hash": report.head_hash,
                "anchored": report.anchored,
                "keys": list(report.key_ids),
            }
        )
        return
    console = render.out()
    console.print(
        f"The audit trail is intact: {report.entries} entries, signed for up to entry {report.anchored}.", markup=False
    )
    if seen is not None:
        console.print(f"It goes on from entry {seen.checkpoint['position']}, which was seen before.", markup=False)
    elif keys_file is None:
        text = f"The keys were taken from the trail itself; compare their names with those you know: {', '.join(report.key_ids)}"
        console.print(text, markup=False)
