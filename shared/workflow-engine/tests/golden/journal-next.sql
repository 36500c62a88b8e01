PRAGMA application_id = 1296126804;
CREATE TABLE runs (
    key         INTEGER PRIMARY KEY,
    id          TEXT NOT NULL UNIQUE,
    workflow    TEXT NOT NULL,
    version     TEXT NOT NULL,
    status      TEXT NOT NULL,
    created_us  INTEGER NOT NULL,
    finished_us INTEGER,
    parent_key  INTEGER,
    parent_seq  INTEGER,
    parked      INTEGER NOT NULL DEFAULT 0,
    wake_us     INTEGER
, attributes BLOB, history_purged_us INTEGER, ran_as TEXT, on_parent_close TEXT);
CREATE INDEX runs_by_status ON runs (status, key);
CREATE INDEX runs_by_parent ON runs (parent_key, key) WHERE parent_key IS NOT NULL;
CREATE TABLE history (
    run      INTEGER NOT NULL,
    position INTEGER NOT NULL,
    event    BLOB NOT NULL,
    PRIMARY KEY (run, position)
) WITHOUT ROWID;
CREATE TABLE schedules (id TEXT PRIMARY KEY, settings BLOB NOT NULL, progress BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE attributes (
            name  TEXT NOT NULL,
            kind  INTEGER NOT NULL,
            value NOT NULL,
            run   INTEGER NOT NULL,
            PRIMARY KEY (name, kind, value, run)
        ) WITHOUT ROWID
        ;
CREATE INDEX attributes_by_run ON attributes (run);
CREATE TRIGGER attributes_go_with_their_run AFTER DELETE ON runs
        BEGIN DELETE FROM attributes WHERE run = OLD.key; END;
CREATE TABLE paused_workflows (
            workflow TEXT NOT NULL,
            version  TEXT NOT NULL,
            since_us INTEGER NOT NULL,
            reason   BLOB NOT NULL,
            PRIMARY KEY (workflow, version)
        ) WITHOUT ROWID
        ;
CREATE TABLE facts (name TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;
CREATE TABLE payload_refs (run INTEGER, position INTEGER, sha256 TEXT, PRIMARY KEY (run, position, sha256)) WITHOUT ROWID;
CREATE INDEX payload_refs_by_object ON payload_refs (sha256);
CREATE TABLE payload_garbage (sha256 TEXT PRIMARY KEY, since_us INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE places (run INTEGER PRIMARY KEY, settings BLOB NOT NULL, begun INTEGER NOT NULL);
CREATE TABLE admissions (queue TEXT, at_us INTEGER, run INTEGER, PRIMARY KEY (queue, at_us, run)) WITHOUT ROWID;
CREATE TABLE paused_queues (name TEXT PRIMARY KEY, note BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE heartbeats (
    run     INTEGER NOT NULL,
    seq     INTEGER NOT NULL,
    time_us INTEGER NOT NULL,
    details BLOB NOT NULL,
    PRIMARY KEY (run, seq)
) WITHOUT ROWID;
CREATE TABLE events (source TEXT, id TEXT, type TEXT, time_us INTEGER, PRIMARY KEY (source, id)) WITHOUT ROWID;
CREATE INDEX events_by_time ON events (time_us);
CREATE TABLE subscriptions (run INTEGER, name TEXT, filters BLOB, PRIMARY KEY (run, name)) WITHOUT ROWID;
CREATE TABLE outbox (number INTEGER PRIMARY KEY, event BLOB NOT NULL);
CREATE TABLE announced (run INTEGER PRIMARY KEY, number INTEGER NOT NULL);
INSERT INTO facts VALUES ('journal_id', '0123456789abcdef0123456789abcdef');
INSERT INTO history VALUES (1, 0, CAST('{"type":"run_started","time":1893456000000000,"input":{"item":"bolt","cents":1250},"seed":4371257431375131704}' AS BLOB));
INSERT INTO history VALUES (1, 1, CAST('{"type":"update_requested","time":1893456000000000,"update_id":"update-1","name":"note","payload":"in a hurry"}' AS BLOB));
INSERT INTO history VALUES (1, 2, CAST('{"type":"step_retrying","time":1893456000000000,"seq":1,"step":"charge","failure":{"type":"builtins:ConnectionError","message":"try again","args":["try again"],"traceback":"(as it was)"},"attempt":1,"next_time":1893456002000000}' AS BLOB));
INSERT INTO history VALUES (1, 3, CAST('{"type":"update_answered","time":1893456000000000,"update_id":"update-1","output":1}' AS BLOB));
INSERT INTO history VALUES (1, 4, CAST('{"type":"step_completed","time":1893456002000000,"seq":1,"step":"charge","input":1250,"output":"paid 1250","started":1893456002000000,"attempt":2}' AS BLOB));
INSERT INTO history VALUES (1, 5, CAST('{"type":"timer_fired","time":1893456062000000,"seq":2}' AS BLOB));
INSERT INTO history VALUES (1, 6, CAST('{"type":"patch_recorded","time":1893456062000000,"change":"pick-first"}' AS BLOB));
INSERT INTO history VALUES (1, 7, CAST('{"type":"child_completed","time":1893456062000000,"seq":3,"workflow":"golden/pick","run_id":"order-1.3","output":"picked bolt"}' AS BLOB));
INSERT INTO history VALUES (2, 0, CAST('{"type":"run_started","time":1893456062000000,"input":"bolt","seed":222681842206352464}' AS BLOB));
INSERT INTO history VALUES (2, 1, CAST('{"type":"run_completed","time":1893456062000000,"output":"picked bolt"}' AS BLOB));
INSERT INTO history VALUES (3, 0, CAST('{"type":"run_started","time":1893456120000000,"input":"Mars","seed":3787459155863482163}' AS BLOB));
INSERT INTO history VALUES (3, 1, CAST('{"type":"step_failed","time":1893456120000000,"seq":1,"step":"ship","input":"Mars","failure":{"type":"builtins:ValueError","message":"no way to Mars","args":["no way to Mars"],"traceback":"(as it was)"},"started":1893456120000000}' AS BLOB));
INSERT INTO history VALUES (3, 2, CAST('{"type":"run_failed","time":1893456120000000,"failure":{"type":"builtins:ValueError","message":"no way to Mars","args":["no way to Mars"],"traceback":"(as it was)"}}' AS BLOB));
INSERT INTO history VALUES (4, 0, CAST('{"type":"run_started","time":1893456120000000,"input":"Mars","seed":434098205243707435}' AS BLOB));
INSERT INTO history VALUES (4, 1, CAST('{"type":"step_failed","time":1893456120000000,"seq":1,"step":"ship","input":"Mars","failure":{"type":"builtins:ValueError","message":"no way to Mars","args":["no way to Mars"],"traceback":"(as it was)"},"started":1893456120000000}' AS BLOB));
INSERT INTO history VALUES (4, 2, CAST('{"type":"run_failed","time":1893456120000000,"failure":{"type":"builtins:ValueError","message":"no way to Mars","args":["no way to Mars"],"traceback":"(as it was)"}}' AS BLOB));
INSERT INTO history VALUES (4, 3, CAST('{"type":"run_redriven","time":1893456120000000,"dropped_from":1}' AS BLOB));
INSERT INTO history VALUES (4, 4, CAST('{"type":"step_failed","time":1893456120000000,"seq":1,"step":"ship","input":"Mars","failure":{"type":"builtins:ValueError","message":"no way to Mars","args":["no way to Mars"],"traceback":"(as it was)"},"started":1893456120000000}' AS BLOB));
INSERT INTO history VALUES (4, 5, CAST('{"type":"run_failed","time":1893456120000000,"failure":{"type":"builtins:ValueError","message":"no way to Mars","args":["no way to Mars"],"traceback":"(as it was)"}}' AS BLOB));
INSERT INTO history VALUES (5, 0, CAST('{"type":"run_started","time":1893456120000000,"input":1,"seed":2687635328174246392}' AS BLOB));
INSERT INTO history VALUES (5, 1, CAST('{"type":"cancel_requested","time":1893456120000000,"reason":"no longer needed"}' AS BLOB));
INSERT INTO history VALUES (5, 2, CAST('{"type":"run_cancelled","time":1893456120000000}' AS BLOB));
INSERT INTO history VALUES (6, 0, CAST('{"type":"run_started","time":1893456120000000,"input":1,"seed":4195269513192211573}' AS BLOB));
INSERT INTO history VALUES (6, 1, CAST('{"type":"run_terminated","time":1893456120000000,"reason":"stuck"}' AS BLOB));
INSERT INTO history VALUES (7, 0, CAST('{"type":"run_started","time":1893456120000000,"input":1,"seed":990120612517596917}' AS BLOB));
INSERT INTO history VALUES (7, 1, CAST('{"type":"run_paused","time":1893456120000000}' AS BLOB));
INSERT INTO history VALUES (7, 2, CAST('{"type":"signal_received","time":1893456120000000,"name":"go","payload":"at last"}' AS BLOB));
INSERT INTO history VALUES (8, 2, CAST('{"type":"run_continued","time":1893456120000000,"input":2}' AS BLOB));
INSERT INTO history VALUES (8, 3, CAST('{"type":"run_started","time":1893456120000000,"input":2,"seed":2541256914490685401}' AS BLOB));
INSERT INTO history VALUES (9, 0, CAST('{"type":"run_started","time":1893456120000000,"input":1,"seed":1928478689004316506}' AS BLOB));
INSERT INTO history VALUES (9, 1, CAST('{"type":"run_paused","time":1893456120000000,"reason":"for a while"}' AS BLOB));
INSERT INTO history VALUES (9, 2, CAST('{"type":"run_resumed","time":1893456120000000}' AS BLOB));
INSERT INTO history VALUES (10, 0, CAST('{"type":"run_started","time":1893456120000000,"input":1,"seed":1109862194316708751}' AS BLOB));
INSERT INTO history VALUES (10, 1, CAST('{"type":"signal_received","time":1893456120000000,"name":"go","payload":{"$maestro.ref":{"sha256":"5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f","bytes":12}}}' AS BLOB));
INSERT INTO history VALUES (10, 2, CAST('{"type":"run_completed","time":1893456120000000,"output":"1 {''by'': ''Ada''}"}' AS BLOB));
INSERT INTO history VALUES (11, 0, CAST('{"type":"run_started","time":1893456120000000,"input":null,"seed":272599089314351654}' AS BLOB));
INSERT INTO history VALUES (11, 1, CAST('{"type":"child_failed","time":1893456120000000,"seq":1,"workflow":"golden/pick","run_id":"child-broken","failure":{"type":"builtins:RuntimeError","message":"broken on the shelf","args":["broken on the shelf"],"traceback":"(as it was)"}}' AS BLOB));
INSERT INTO history VALUES (11, 2, CAST('{"type":"child_cancelled","time":1893456121000000,"seq":2,"workflow":"golden/pick","run_id":"child-missing"}' AS BLOB));
INSERT INTO history VALUES (11, 3, CAST('{"type":"run_completed","time":1893456121000000,"output":["broken on the shelf","cancelled"]}' AS BLOB));
INSERT INTO history VALUES (12, 0, CAST('{"type":"run_started","time":1893456120000000,"input":"broken","seed":2607694907760743599}' AS BLOB));
INSERT INTO history VALUES (12, 1, CAST('{"type":"run_failed","time":1893456120000000,"failure":{"type":"builtins:RuntimeError","message":"broken on the shelf","args":["broken on the shelf"],"traceback":"(as it was)"}}' AS BLOB));
INSERT INTO history VALUES (13, 0, CAST('{"type":"run_started","time":1893456120000000,"input":"missing","seed":4369340560841997347}' AS BLOB));
INSERT INTO history VALUES (13, 1, CAST('{"type":"cancel_requested","time":1893456121000000}' AS BLOB));
INSERT INTO history VALUES (13, 2, CAST('{"type":"run_cancelled","time":1893456121000000}' AS BLOB));
INSERT INTO payload_refs VALUES (10, 1, '5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f');
INSERT INTO runs VALUES (1, 'order-1', 'golden/order', '2.0.0', 'running', 1893456000000000, NULL, NULL, NULL, 1, NULL, NULL, NULL, NULL, NULL);
INSERT INTO runs VALUES (2, 'order-1.3', 'golden/pick', '1.0.0', 'completed', 1893456062000000, 1893456062000000, 1, 3, 0, NULL, NULL, NULL, NULL, NULL);
INSERT INTO runs VALUES (3, 'failed-1', 'golden/sender', '1.0.0', 'failed', 1893456120000000, 1893456120000000, NULL, NULL, 0, NULL, NULL, NULL, NULL, NULL);
INSERT INTO runs VALUES (4, 'redriven-1', 'golden/sender', '1.0.0', 'failed', 1893456120000000, 1893456120000000, NULL, NULL, 0, NULL, NULL, NULL, NULL, NULL);
INSERT INTO runs VALUES (5, 'cancelled-1', 'golden/waiter', '1.0.0', 'cancelled', 1893456120000000, 1893456120000000, NULL, NULL, 0, NULL, NULL, NULL, NULL, NULL);
INSERT INTO runs VALUES (6, 'terminated-1', 'golden/waiter', '1.0.0', 'terminated', 1893456120000000, 1893456120000000, NULL, NULL, 0, NULL, NULL, NULL, NULL, NULL);
INSERT INTO runs VALUES (7, 'paused-1', 'golden/waiter', '1.0.0', 'paused', 1893456120000000, NULL, NULL, NULL, 1, NULL, NULL, NULL, NULL, NULL);
INSERT INTO runs VALUES (8, 'continued-1', 'golden/waiter', '1.0.0', 'running', 1893456120000000, NULL, NULL, NULL, 1, NULL, NULL, NULL, NULL, NULL);
INSERT INTO runs VALUES (9, 'waiting-1', 'golden/waiter', '1.0.0', 'running', 1893456120000000, NULL, NULL, NULL, 1, NULL, NULL, NULL, NULL, NULL);
INSERT INTO runs VALUES (10, 'completed-1', 'golden/waiter', '1.0.0', 'completed', 1893456120000000, 1893456120000000, NULL, NULL, 0, NULL, NULL, NULL, NULL, NULL);
INSERT INTO runs VALUES (11, 'parent-1', 'golden/parent', '1.0.0', 'completed', 1893456120000000, 1893456121000000, NULL, NULL, 0, NULL, NULL, NULL, NULL, NULL);
INSERT INTO runs VALUES (12, 'child-broken', 'golden/pick', '1.0.0', 'failed', 1893456120000000, 1893456120000000, 11, 1, 0, NULL, NULL, NULL, NULL, NULL);
INSERT INTO runs VALUES (13, 'child-missing', 'golden/pick', '1.0.0', 'cancelled', 1893456120000000, 1893456121000000, 11, 2, 0, NULL, NULL, NULL, NULL, NULL);
INSERT INTO schedules VALUES ('often', CAST('{"workflow":"golden/waiter","version":"1.0.0","input":5,"spec":{"type":"interval","every_us":77760000000000},"overlap":"skip","catch_up_us":3600000000,"created_us":1893456121000000,"since_us":1893456121000000,"paused":true}' AS BLOB), CAST('{}' AS BLOB));
INSERT INTO schedules VALUES ('yearly', CAST('{"workflow":"golden/waiter","version":"1.0.0","input":5,"spec":{"type":"cron","expression":"0 3 1 1 *","zone":"Europe/Berlin"},"overlap":"skip","catch_up_us":3600000000,"created_us":1893456121000000,"since_us":1893456121000000}' AS BLOB), CAST('{}' AS BLOB));
