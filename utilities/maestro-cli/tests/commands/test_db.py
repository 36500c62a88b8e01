"""`maestro db` works on the database that a service's configuration names, and needs no environment."""

import json
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest

from maestro_cli.testing import Workspace

CONFIG = """
from maestro_core_config import BaseConfig
from maestro_core_db import DatabaseSettings

class LedgerConfig(DatabaseSettings, BaseConfig):
    pass

class PlainConfig(BaseConfig):
    pass
"""
MIGRATIONS = """
import sqlalchemy as sa
metadata = sa.MetaData()
sa.Table("entries", metadata, sa.Column("id", sa.Integer, primary_key=True), sa.Column("note", sa.Text))
"""
SCRIPT = '''"""{message}."""
import sqlalchemy as sa
from alembic import op
revision, down_revision = {revision!r}, {down!r}

def upgrade():
    {up}

def downgrade():
    {back}
'''


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """An installed service with two migrations, and one without a database."""
    for module in ("ledger_config", "ledger_migrations"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    space = Workspace(tmp_path)
    info = space.site / "ledger-1.0.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: ledger\nVersion: 1.0.0\n")
    (info / "entry_points.txt").write_text(
        "[maestro.configs]\nledger = ledger_config:LedgerConfig\nplain = ledger_config:PlainConfig\n"
        "[maestro.migrations]\nledger = ledger_migrations\nplain = ledger_migrations\n"
    )
    (space.site / "ledger_config.py").write_text(CONFIG)
    versions = space.site / "ledger_migrations" / "versions"
    versions.mkdir(parents=True)
    (versions.parent / "__init__.py").write_text(MIGRATIONS)
    table = 'op.create_table("entries", sa.Column("id", sa.Integer, primary_key=True))'
    write(versions, "r1", None, "Keep entries", table, 'op.drop_table("entries")')
    column = 'op.add_column("entries", sa.Column("note", sa.Text))'
    write(versions, "r2", "r1", "Note what they are for", column, 'op.drop_column("entries", "note")')
    return space


def write(versions: Path, revision: str, down: str | None, message: str, up: str, back: str) -> None:
    text = SCRIPT.format(message=message, revision=revision, down=down, up=up, back=back)
    (versions / f"{revision}.py").write_text(text)


def file_of(space: Workspace) -> Path:
    return space.home / "data" / "ledger.db"


def test_a_database_s_life(ledger: Workspace) -> None:
    """Nothing, a new database, an old one, a current one: each is told, and the changes are made once."""
    before = ledger.ask("db", "check", "ledger")
    assert (before.returncode, "is not there yet" in before.stdout) == (1, True), before.stderr
    assert not file_of(ledger).exists()
    done = ledger.ask("db", "upgrade", "ledger", "--to", "r1")
    assert (done.returncode, done.stdout.startswith("ran r1 on")) == (0, True), done.stderr
    half = ledger.ask("db", "check", "ledger")
    assert (half.returncode, "r2  Note what they are for" in half.stdout) == (1, True)
    history = json.loads(ledger.ask("db", "history", "ledger", "--json").stdout)
    assert [(each["revision"], each["is_applied"]) for each in history] == [("r1", True), ("r2", False)]
    assert json.loads(ledger.ask("db", "upgrade", "ledger", "--json").stdout)["revisions"] == ["r2"]
    assert "is up to date" in ledger.ask("db", "upgrade", "ledger").stdout
    sound = ledger.ask("db", "check", "ledger")
    assert (sound.returncode, "sound and up to date, at r2" in sound.stdout) == (0, True)
    back = ledger.ask("db", "downgrade", "ledger", "--to", "base", "--yes")
    assert (back.returncode, back.stdout.startswith("took back r2, r1 on")) == (0, True), back.stderr


def test_what_is_wrong_is_told(ledger: Workspace) -> None:
    """A newer database, one that differs from the models, and one that is none end with exit code 1 and a word."""
    ledger.ask("db", "upgrade", "ledger")
    with closing(sqlite3.connect(file_of(ledger))) as connection, connection:
        connection.execute("ALTER TABLE entries ADD COLUMN odd TEXT")
    differs = json.loads(ledger.ask("db", "check", "ledger", "--json").stdout)
    assert (differs["ok"], differs["faults"]) == (
        False,
        ["the models want another migration: remove column entries.odd"],
    )
    with closing(sqlite3.connect(file_of(ledger))) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = 'r9'")
    newer = ledger.ask("db", "check", "ledger")
    assert (newer.returncode, "newer version" in newer.stdout) == (1, True)
    refused = ledger.ask("db", "upgrade", "ledger")
    assert (refused.returncode, "r9" in refused.stderr) == (1, True)
    file_of(ledger).write_bytes(b"no database " * 1_000)
    broken = ledger.ask("db", "check", "ledger")
    assert (broken.returncode, "damaged" in broken.stderr) == (1, True)


@pytest.mark.parametrize(
    ("service", "code", "message"),
    [("nobody", 1, "There are: ledger, plain"), ("plain", 2, "names no database")],
)
def test_a_service_without_a_database_is_told(ledger: Workspace, service: str, code: int, message: str) -> None:
    """An unknown service, and one whose configuration names no database, are told."""
    done = ledger.ask("db", "check", service)
    assert (done.returncode, message in done.stderr) == (code, True), done.stderr


def test_an_unreachable_server_is_told_without_its_password(ledger: Workspace) -> None:
    """The server of the configuration is named, its password is not."""
    url = "postgresql://ledger:hush-hush@127.0.0.1:1/ledger"
    done = ledger.ask("db", "check", "ledger", LEDGER_DATABASE_URL=url, LEDGER_DATABASE_CONNECT_TIMEOUT_S="0.1")
    assert done.returncode == 1
    assert "postgresql://ledger:***@127.0.0.1:1/ledger cannot be reached" in done.stderr
    assert "hush-hush" not in done.stderr + done.stdout
