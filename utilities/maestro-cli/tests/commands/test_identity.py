"""Against a real governance-service: users, keys, signing in, the audit trail."""

import json
import shutil
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx2
import pytest

from maestro_cli.testing import Workspace

PASSWORD = "tangerine lamp on the fjord"


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """A real governance-service, and a registry."""
    space = Workspace(
        tmp_path_factory.mktemp("office"), real=("maestro-central-registry", "maestro-governance-service")
    )
    space.environ |= {
        "GOVERNANCE_SERVICE_PASSWORD_HASH_MEMORY_KIB": "64",
        "GOVERNANCE_SERVICE_PASSWORD_HASH_ROUNDS": "1",
        "GOVERNANCE_SERVICE_PASSWORD_HASH_THREADS": "1",
    }
    try:
        space.up("central-registry", "governance-service")
        yield space
    finally:
        space.clean()


@pytest.fixture(autouse=True)
def nobody_signed_in(office: Workspace) -> Iterator[None]:
    yield
    for name in ("credentials.json", "audit-witness.json"):
        (office.home / name).unlink(missing_ok=True)


def done(space: Workspace, *arguments: str, stdin: str | None = None) -> str:
    """What a command writes that succeeds."""
    found = space.ask(*arguments, stdin=stdin)
    assert found.returncode == 0, found.stderr
    return found.stdout


def read(space: Workspace, *arguments: str) -> Any:
    return json.loads(done(space, *arguments, "--json"))


def failed(space: Workspace, *arguments: str, stdin: str | None = None) -> tuple[int, str]:
    """How a command ends that fails, and what it says."""
    found = space.ask(*arguments, stdin=stdin)
    assert found.returncode != 0, found.stdout
    return found.returncode, found.stderr


def make(space: Workspace, name: str, *options: str) -> None:
    done(space, "user", "create", name, *options, "--password-stdin", stdin=f"{PASSWORD}\n")


def test_a_first_admin_signs_in_and_works(office: Workspace) -> None:
    """The local key makes an admin, who signs in, is known by name, and signs out; the trail tells who did what."""
    done(office, "user", "create-admin", "root", "--password-stdin", stdin=f"{PASSWORD}\n")
    done(office, "login", "root", "--password-stdin", stdin=f"{PASSWORD}\n")
    kept = office.home / "credentials.json"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert PASSWORD not in kept.read_text()
    assert read(office, "whoami")["subject"] == "root"
    make(office, "ada", "--role", "operator", "--role", "approver")
    assert [entry["actor"] for entry in read(office, "audit", "list", "--action", "user.create", "--limit", "2")] == [
        "root",
        "maestro-cli",
    ]
    done(office, "logout")
    assert not kept.exists()
    assert read(office, "whoami")["subject"] == "maestro-cli"
    assert "Nobody" in office.ask("logout").stderr


def test_an_access_token_that_is_over_is_refreshed(office: Workspace) -> None:
    """A command whose token has ended gets another one; what the user may do is the user's."""
    make(office, "eve", "--role", "viewer")
    done(office, "login", "eve", "--password-stdin", stdin=f"{PASSWORD}\n")
    kept = office.home / "credentials.json"
    before = json.loads(kept.read_text())
    kept.write_text(json.dumps({**before, "access_expires_at": "2026-01-01T00:00:00Z"}))
    assert read(office, "whoami")["subject"] == "eve"
    after = json.loads(kept.read_text())
    assert after["refresh_token"] != before["refresh_token"]
    code, said = failed(office, "user", "list")
    assert (code, "ROLE_REQUIRED" in said) == (1, True)


def test_every_command_finds_where_somebody_has_signed_in(office: Workspace, tmp_path: Path) -> None:
    """Where no environment runs, all calls go to the service of `maestro login`, as the user; without it there is a hint."""
    make(office, "olga", "--role", "viewer")
    url = office.service("governance-service")["url"]
    elsewhere = ("--home", str(tmp_path))
    assert failed(office, *elsewhere, "approval", "list")[0] == failed(office, *elsewhere, "whoami")[0] == 3
    assert "maestro login" in failed(office, *elsewhere, "approval", "--url", url, "list")[1]
    done(office, *elsewhere, "login", "olga", "--url", url, "--password-stdin", stdin=f"{PASSWORD}\n")
    assert read(office, *elsewhere, "whoami")["subject"] == "olga"
    assert read(office, *elsewhere, "approval", "list") == []
    assert [policy["name"] for policy in read(office, *elsewhere, "policy", "list")] == ["licences"]


def test_users_are_changed(office: Workspace) -> None:
    """Roles, disabling, enabling and resetting do what they say."""
    made = done(office, "user", "create", "bob", "--tenant", "acme", "--role", "viewer", "--generate").strip()
    assert len(made) >= 20
    assert (
        failed(office, "login", "bob", "--password-stdin", stdin=f"{made}\n")[1].count("PASSWORD_CHANGE_REQUIRED") == 1
    )
    done(office, "user", "set-roles", "bob", "viewer", "operator")
    done(office, "user", "disable", "bob")
    (bob,) = [user for user in read(office, "user", "list", "--tenant", "acme") if user["name"] == "bob"]
    assert (bob["roles"], bob["disabled_at"] is None) == (["operator", "viewer"], False)
    assert "disabled" in done(office, "user", "list")
    done(office, "user", "enable", "bob")
    assert done(office, "user", "reset-password", "bob", "--generate").strip() != made
    code, said = failed(office, "user", "set-roles", "bob", "admin")
    assert (code, "NOT_GRANTABLE" in said) == (1, True)
    code, said = failed(office, "user", "create", "bob", "--generate")
    assert "NAME_TAKEN" in said
    code, said = failed(office, "user", "create", "weak", "--password-stdin", stdin="password1234\n")
    assert "tried first" in said
    assert failed(office, "login", "bob")[0] == 2  # there is no terminal to ask at


def test_keys_are_made_and_revoked(office: Workspace) -> None:
    """A key is printed alone, works as a token, is listed without its secret, and is revoked."""
    key = done(office, "api-key", "create", "nightly job", "--machine", "nightly", "--role", "viewer").strip()
    found = json.loads(done(office, "whoami", "--token", key, "--json"))
    assert (found["subject"], found["roles"]) == ("machine:nightly", ["viewer"])
    (listed,) = read(office, "api-key", "list")
    assert listed["title"] == "nightly job"
    assert key not in done(office, "api-key", "list")
    done(office, "api-key", "revoke", listed["id"])
    assert "revoked" in done(office, "api-key", "list")
    assert "API_KEY_REVOKED" in failed(office, "whoami", "--token", key)[1]


def test_the_trail_is_verified_here(office: Workspace, tmp_path: Path) -> None:
    """The running service's trail, and an export of it with keys kept from elsewhere, are intact; what was seen is kept."""
    make(office, "carol")
    first = done(office, "audit", "verify")
    assert "is intact" in first
    assert "compare their names" in first
    make(office, "dave")
    assert "goes on from entry" in done(office, "audit", "verify")
    done(office, "audit", "export", "-o", str(tmp_path / "audit.jsonl"))
    url = office.service("governance-service")["url"]
    token = done(office, "token").strip()
    keys = httpx2.get(f"{url}/audit/keys", headers={"Authorization": f"Bearer {token}"}, trust_env=False)
    (tmp_path / "keys.json").write_bytes(keys.content)
    report = read(office, "audit", "verify", str(tmp_path / "audit.jsonl"), "--keys", str(tmp_path / "keys.json"))
    assert report["intact"] is True
    assert report["entries"] == report["anchored"] == report["head"]
    printed = done(office, "audit", "export").splitlines()
    assert printed[1:] == (tmp_path / "audit.jsonl").read_text().splitlines()[1:]


def test_a_changed_export_is_broken_at_the_entry(office: Workspace, tmp_path: Path) -> None:
    """The exit code is 1 and the first broken entry is named, for people and as JSON."""
    make(office, "frank")
    make(office, "grace")
    lines = done(office, "audit", "export").splitlines(keepends=True)
    entries = [index for index, line in enumerate(lines) if '"type":"entry"' in line]
    file = tmp_path / "audit.jsonl"

    def verified(changed: list[str]) -> dict[str, Any]:
        file.write_text("".join(changed))
        found = office.ask("audit", "verify", str(file), "--json")
        assert found.returncode == 1, found.stdout
        broken: dict[str, Any] = json.loads(found.stdout)["broken"]
        return broken

    at = entries[1]
    edited = lines[at].replace('"outcome":"success"', '"outcome":"denied"')
    assert edited != lines[at]
    broken = verified([*lines[:at], edited, *lines[at + 1 :]])
    assert (broken["fault"], broken["position"]) == ("entry-changed", 2)
    assert broken["entry_id"] == json.loads(lines[at])["entry_id"]
    said = failed(office, "audit", "verify", str(file))[1]
    assert f"entry 2 ({broken['entry_id']})" in said
    assert verified([*lines[:at], *lines[at + 1 :]])["fault"] == "entry-missing"
    assert verified(lines[:-1])["fault"] == "entries-cut-off"
    assert verified([*lines[:-1], lines[-1][:-20]])["fault"] == "entry-changed"
    assert verified([*lines, lines[-1]])["fault"] == "entry-out-of-place"
    without = [line for line in lines if '"type":"checkpoint"' not in line]
    assert verified(without)["fault"] == "checkpoints-gone"
    assert verified([])["fault"] == "entries-cut-off"
    first = json.loads(lines[at])
    for after in ({"position": 1, "hash": first["previous_hash"]}, {"position": 0, "hash": first["previous_hash"]}, {}):
        header = json.dumps({**json.loads(lines[0]), "after": after}) + "\n"
        broken = verified([header, *lines[1 : entries[0]], *lines[at:]])
        assert (broken["fault"], broken["position"]) == ("entries-cut-off", 1)


def test_other_keys_are_not_trusted(office: Workspace, tmp_path: Path) -> None:
    """An export that names the keys of a forger is refused where the right ones are known."""
    make(office, "heidi")
    done(office, "audit", "export", "-o", str(tmp_path / "audit.jsonl"))
    other = {"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}
    (tmp_path / "keys.json").write_text(json.dumps(other))
    said = failed(office, "audit", "verify", str(tmp_path / "audit.jsonl"), "--keys", str(tmp_path / "keys.json"))[1]
    assert "checkpoint-forged" in said
    (tmp_path / "keys.json").write_text("[]")
    assert (
        failed(office, "audit", "verify", str(tmp_path / "audit.jsonl"), "--keys", str(tmp_path / "keys.json"))[0] == 2
    )


def test_a_service_that_was_set_back_contradicts_what_was_seen(office: Workspace, tmp_path: Path) -> None:
    """Database and checkpoints of yesterday, put back together, are sound in themselves; whoever saw them today knows better."""
    make(office, "ivan")
    old = done(office, "audit", "export")
    make(office, "judy")
    witness = tmp_path / "seen.json"
    new = tmp_path / "new.jsonl"
    new.write_text(done(office, "audit", "export"))
    assert "is intact" in done(office, "audit", "verify", str(new), "--witness", str(witness))
    (tmp_path / "old.jsonl").write_text(old)
    assert "is intact" in done(office, "audit", "verify", str(tmp_path / "old.jsonl"))
    said = failed(office, "audit", "verify", str(tmp_path / "old.jsonl"), "--witness", str(witness))[1]
    assert "entries-cut-off" in said


def test_the_database_is_changed_under_the_service(office: Workspace, tmp_path: Path) -> None:
    """An entry that is edited in the database of the running service is found by the next verification, from here."""
    make(office, "mallory")
    database = office.home / "data" / "governance-service.db"
    shutil.copy(database, tmp_path / "copy.db")
    with closing(sqlite3.connect(database, timeout=30)) as connection:
        trigger = connection.execute("SELECT sql FROM sqlite_master WHERE name = 'audit_entries_no_update'").fetchone()[
            0
        ]
        (actor,) = connection.execute("SELECT actor FROM audit_entries WHERE position = 1").fetchone()
        connection.execute("DROP TRIGGER audit_entries_no_update")
        connection.execute("UPDATE audit_entries SET actor = 'nobody' WHERE position = 1")
        connection.commit()
        code, said = failed(office, "audit", "verify")
        assert (code, "entry 1 (" in said, "entry-changed" in said) == (1, True, True)
        connection.execute("UPDATE audit_entries SET actor = ? WHERE position = 1", (actor,))
        connection.execute(trigger)
        connection.commit()
    assert "is intact" in done(office, "audit", "verify")
