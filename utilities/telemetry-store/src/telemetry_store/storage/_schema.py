"""The tables."""

from typing import Final

VERSION: Final = 2

_FIRST: Final = """
CREATE TABLE spans (
    trace_id TEXT NOT NULL, span_id TEXT NOT NULL, parent_id TEXT NOT NULL, service TEXT NOT NULL, name TEXT NOT NULL,
    kind TEXT NOT NULL, start_ns INTEGER NOT NULL, duration_ns INTEGER NOT NULL, failed INTEGER NOT NULL,
    message TEXT NOT NULL, attributes TEXT NOT NULL, events TEXT NOT NULL, resource TEXT NOT NULL,
    PRIMARY KEY (trace_id, span_id)
) WITHOUT ROWID;
CREATE INDEX spans_by_start ON spans (start_ns);
CREATE TABLE traces (
    trace_id TEXT PRIMARY KEY, start_ns INTEGER NOT NULL, end_ns INTEGER NOT NULL, name TEXT NOT NULL,
    service TEXT NOT NULL, services TEXT NOT NULL, spans INTEGER NOT NULL, failed INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX traces_by_start ON traces (start_ns, trace_id);
CREATE TABLE logs (
    id INTEGER PRIMARY KEY, time_ns INTEGER NOT NULL, service TEXT NOT NULL, level TEXT NOT NULL,
    severity INTEGER NOT NULL, logger TEXT NOT NULL, event TEXT NOT NULL, trace_id TEXT NOT NULL,
    span_id TEXT NOT NULL, attributes TEXT NOT NULL, digest BLOB NOT NULL UNIQUE
);
CREATE INDEX logs_by_time ON logs (time_ns, id);
CREATE INDEX logs_by_trace ON logs (trace_id, time_ns) WHERE trace_id <> '';
CREATE VIRTUAL TABLE logs_text USING fts5 (event, attributes, content = 'logs', content_rowid = 'id');
CREATE TRIGGER logs_added AFTER INSERT ON logs BEGIN
    INSERT INTO logs_text (rowid, event, attributes) VALUES (new.id, new.event, new.attributes);
END;
CREATE TRIGGER logs_removed AFTER DELETE ON logs BEGIN
    INSERT INTO logs_text (logs_text, rowid, event, attributes)
    VALUES ('delete', old.id, old.event, old.attributes);
END;
CREATE TABLE points (
    service TEXT NOT NULL, name TEXT NOT NULL, attributes TEXT NOT NULL, time_ns INTEGER NOT NULL, kind TEXT NOT NULL,
    unit TEXT NOT NULL, value REAL NOT NULL, detail TEXT NOT NULL,
    PRIMARY KEY (service, name, attributes, time_ns)
) WITHOUT ROWID;
CREATE INDEX points_by_time ON points (time_ns);
"""
_OBSERVED: Final = """
CREATE TABLE uncounted (
    trace_id TEXT NOT NULL, span_id TEXT NOT NULL, arrived_s INTEGER NOT NULL, PRIMARY KEY (trace_id, span_id)
) WITHOUT ROWID;
CREATE TABLE observed (
    caller TEXT NOT NULL, callee TEXT NOT NULL, calls INTEGER NOT NULL, errors INTEGER NOT NULL,
    first_ns INTEGER NOT NULL, last_ns INTEGER NOT NULL, PRIMARY KEY (caller, callee)
) WITHOUT ROWID;
CREATE TABLE batch (
    id TEXT NOT NULL, caller TEXT NOT NULL, callee TEXT NOT NULL, calls INTEGER NOT NULL, errors INTEGER NOT NULL,
    first_ns INTEGER NOT NULL, last_ns INTEGER NOT NULL, PRIMARY KEY (id, caller, callee)
) WITHOUT ROWID;
"""
STEPS: Final = (_FIRST, _OBSERVED)
"""What makes each version of the one before; the first one makes version 1 of nothing."""
