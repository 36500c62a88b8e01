"""The file's schema, version by version."""

from typing import Final

MIGRATIONS: Final[tuple[tuple[str, ...], ...]] = (
    (
        """CREATE TABLE registrations (
            service TEXT NOT NULL, instance_id TEXT NOT NULL, url TEXT NOT NULL, version TEXT NOT NULL,
            metadata_json TEXT NOT NULL, lease_s FLOAT NOT NULL, registered_at TEXT NOT NULL,
            PRIMARY KEY (service, instance_id)
        ) WITHOUT ROWID""",
    ),
    (
        "ALTER TABLE registrations ADD COLUMN zone TEXT",
        "ALTER TABLE registrations ADD COLUMN tags_json TEXT NOT NULL DEFAULT '[]'",
        "ALTER TABLE registrations ADD COLUMN health_check_json TEXT",
        """CREATE TABLE catalog_revisions (
            service TEXT NOT NULL, revision INTEGER NOT NULL, recorded_at TEXT NOT NULL, digest TEXT NOT NULL,
            entry_json TEXT NOT NULL, openapi_digest TEXT, asyncapi_digest TEXT,
            PRIMARY KEY (service, revision)
        ) WITHOUT ROWID""",
        "CREATE TABLE catalog_documents (digest TEXT NOT NULL PRIMARY KEY, content BLOB NOT NULL)",
        """CREATE TABLE observed_calls (
            caller TEXT NOT NULL, callee TEXT NOT NULL, day TEXT NOT NULL, calls INTEGER NOT NULL, errors INTEGER NOT NULL,
            first_seen TEXT NOT NULL, last_seen TEXT NOT NULL,
            PRIMARY KEY (caller, callee, day)
        ) WITHOUT ROWID""",
        """CREATE TABLE outbox (
            position INTEGER PRIMARY KEY AUTOINCREMENT, subject TEXT NOT NULL, key TEXT NOT NULL, event_json TEXT NOT NULL,
            added_at TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0
        )""",
        "CREATE INDEX observed_calls_by_day ON observed_calls (day)",
    ),
    (
        """CREATE TABLE gateway_declarations (
            position INTEGER PRIMARY KEY AUTOINCREMENT, service TEXT NOT NULL, version TEXT NOT NULL,
            declaration_json TEXT NOT NULL, UNIQUE (service, version)
        )""",
    ),
)
"""What leads from each version to the next; a new file goes through all of them, so that old and new files are alike. Only ever
added to: what is here was run on someone's file."""
