"""What the TypeScript client is made from is what the services say, and its lock works behind any mirror."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
SCRIPT = ROOT / "shared" / "api-client-js" / "scripts" / "export_openapi.py"


@pytest.fixture(scope="module")
def export() -> ModuleType:
    """The script that writes the documents."""
    spec = importlib.util.spec_from_file_location("export_openapi", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_documents_are_what_the_services_say(export: ModuleType, capsys: pytest.CaptureFixture[str]):
    """A route or a schema that changes without `make api-client` fails here."""
    status = export.main(export.OPENAPI, "--check")
    assert status == 0, capsys.readouterr().err


def test_a_document_that_is_not_is_named_and_written_anew(
    export: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    """`--check` names what differs, what is missing and what is too much, and changes nothing; without it all is mended."""
    documents = {path.stem: json.loads(path.read_text("utf-8")) for path in export.OPENAPI.glob("*.json")}
    monkeypatch.setattr(export, "_asked", lambda: documents)
    assert export.main(tmp_path) == 0
    changed = tmp_path / "governance-service.json"
    changed.write_text(changed.read_text("utf-8").replace("/approvals", "/consents"), "utf-8")
    (tmp_path / "maestro-orchestrator.json").unlink()
    (tmp_path / "gone-service.json").write_text("{}", "utf-8")
    capsys.readouterr()
    assert export.main(tmp_path, "--check") == 1
    named = re.findall(r"([\w-]+)\.json is not what", capsys.readouterr().err)
    assert named == ["gone-service", "governance-service", "maestro-orchestrator"]
    assert export.main(tmp_path) == 0
    assert export.main(tmp_path, "--check") == 0
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in export.OPENAPI.iterdir()}


def test_a_reduced_document_holds_what_types_need_and_all_of_that(export: ModuleType):
    """Every reference leads somewhere, no schema is left over, and neither errors nor paths for machines are there."""
    for path in export.OPENAPI.glob("*.json"):
        document: dict[str, Any] = json.loads(path.read_text("utf-8"))
        text = json.dumps(document)
        referred = set(re.findall(r'"\$ref": "#/components/schemas/([^"]+)"', text))
        assert referred == set(document["components"]["schemas"])
        assert "/health/live" not in document["paths"]
        statuses = {
            status for item in document["paths"].values() for call in item.values() for status in call["responses"]
        }
        assert statuses <= {"200", "201", "202", "204"}
        assert "Filled in by FastAPI" not in text


def test_the_lock_of_packages_has_hashes_and_no_addresses():
    """`npm install` writes no address of a registry, and each package has a hash."""
    lock = json.loads((ROOT / "package-lock.json").read_text("utf-8"))
    links = {name for name, package in lock["packages"].items() if package.get("link")}
    members = {package["resolved"] for name, package in lock["packages"].items() if name in links}
    for name, package in lock["packages"].items():
        if name in links or name in members or not name:
            continue
        assert "resolved" not in package, name
        assert package.get("integrity", "").startswith("sha512-"), name
    assert all((ROOT / member / "package.json").is_file() for member in members)
