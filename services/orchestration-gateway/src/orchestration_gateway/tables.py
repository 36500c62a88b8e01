"""The service's tables."""

from typing import Final

from sqlalchemy import Column, Index, Integer, String, Table, Text

from maestro_core_db import AutoId, UtcDateTime, new_metadata, outbox_table

METADATA: Final = new_metadata()
outbox_table(METADATA)

TRIGGERS: Final = Table(
    "triggers",
    METADATA,
    Column("name", String(63), primary_key=True),
    Column("tenant", String(256)),
    Column("kind", String(20), nullable=False, index=True),
    Column("declaration_json", Text, nullable=False),
    Column("sealed_keys", Text),
    Column("revision", Integer, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("updated_by", String(256), nullable=False),
)

DELIVERIES: Final = Table(
    "deliveries",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("trigger_name", String(63), nullable=False),
    Column("tenant", String(256)),
    Column("delivery_key", String(400), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("message_json", Text, nullable=False),
    Column("status", String(20), nullable=False),
    Column("received_at", UtcDateTime, nullable=False),
    Column("waiting_since", UtcDateTime, nullable=False),
    Column("workflow", String(400)),
    Column("run_id", String(200)),
    Column("input_json", Text),
    Column("options_json", Text),
    Column("attempts", Integer, nullable=False),
    Column("next_attempt_at", UtcDateTime),
    Column("settled_at", UtcDateTime),
    Column("error_code", String(100)),
    Column("error", Text),
    Column("traceparent", String(100)),
    Index("ix_deliveries_due", "status", "next_attempt_at"),
    Index("ix_deliveries_listing", "received_at", "id"),
    Index("ix_deliveries_of_trigger", "trigger_name", "received_at"),
)

SCHEDULES: Final = Table(
    "schedules",
    METADATA,
    Column("schedule_id", String(150), primary_key=True),
    Column("wanted_json", Text),
    Column("changed_at", UtcDateTime, nullable=False),
    Column("applied_at", UtcDateTime),
    Column("attempts", Integer, nullable=False),
    Column("next_attempt_at", UtcDateTime),
    Column("problem", Text),
)
"""What the orchestrator's schedules should be, and whether they are; no wish means that there should be none."""

RUN_CHANGES: Final = Table(
    "run_changes",
    METADATA,
    Column("position", AutoId, primary_key=True, autoincrement=True),
    Column("change_key", String(300), nullable=False, unique=True),
    Column("tenant", String(256)),
    Column("noted_at", UtcDateTime, nullable=False, index=True),
    Column("data_json", Text, nullable=False),
)
"""What happened to runs, numbered in the order in which it was learnt."""

FEED_STATE: Final = Table(
    "feed_state",
    METADATA,
    Column("name", String(40), primary_key=True),
    Column("created_from", UtcDateTime, nullable=False),
    Column("finished_from", UtcDateTime, nullable=False),
    Column("holder", String(64)),
    Column("held_until", UtcDateTime),
)
"""How far the orchestrator's runs were looked through, and who does it."""

STREAM_PLACES: Final = Table(
    "stream_places",
    METADATA,
    Column("tenant", String(256), primary_key=True),
    Column("place", Integer, primary_key=True),
    Column("holder", String(64), nullable=False),
    Column("held_until", UtcDateTime, nullable=False),
)
"""The streams that are open, by tenant: one row each, as many as its quota allows."""
