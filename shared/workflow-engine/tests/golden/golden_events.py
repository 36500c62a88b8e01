"""The golden bytes of every kind of event: one entry for each, with and without what it may leave out.

Whoever adds an event or an optional field adds an entry. No entry is ever changed: what it says is on somebody's disk.
"""

from __future__ import annotations

from maestro_workflow_engine import Failure, _payload
from maestro_workflow_engine.machine import _events as ev

_RAW = _payload.encode({"a": 1})
_FAILURE = Failure("builtins:ValueError", "no", ["no"], "tb")
_FAILED = b'"failure":{"type":"builtins:ValueError","message":"no","args":["no"],"traceback":"tb"}'

GOLDEN: list[tuple[ev.Event, bytes]] = [
    (ev.RunStarted(1, _RAW, 2), b'{"type":"run_started","time":1,"input":{"a":1},"seed":2}'),
    (
        ev.RunStarted(1, _RAW, 2, "00-a-b-01", 5),
        b'{"type":"run_started","time":1,"input":{"a":1},"seed":2,"trace":"00-a-b-01","first_seq":5}',
    ),
    (
        ev.StepCompleted(1, 2, "s", _RAW, _RAW, 3),
        b'{"type":"step_completed","time":1,"seq":2,"step":"s","input":{"a":1},"output":{"a":1},"started":3}',
    ),
    (
        ev.StepCompleted(1, 2, "s", _RAW, _RAW, 3, 4),
        b'{"type":"step_completed","time":1,"seq":2,"step":"s","input":{"a":1},"output":{"a":1},"started":3,"attempt":4}',
    ),
    (
        ev.StepRetrying(1, 2, "s", _FAILURE, 1, 9),
        b'{"type":"step_retrying","time":1,"seq":2,"step":"s",' + _FAILED + b',"attempt":1,"next_time":9}',
    ),
    (
        ev.StepFailed(1, 2, "s", _RAW, _FAILURE, 3),
        b'{"type":"step_failed","time":1,"seq":2,"step":"s","input":{"a":1},' + _FAILED + b',"started":3}',
    ),
    (
        ev.StepFailed(1, 2, "s", _RAW, _FAILURE, 3, 4),
        b'{"type":"step_failed","time":1,"seq":2,"step":"s","input":{"a":1},' + _FAILED + b',"started":3,"attempt":4}',
    ),
    (ev.TimerFired(1, 2), b'{"type":"timer_fired","time":1,"seq":2}'),
    (ev.SignalReceived(1, "n", _RAW), b'{"type":"signal_received","time":1,"name":"n","payload":{"a":1}}'),
    (
        ev.UpdateRequested(1, "u", "n", _RAW),
        b'{"type":"update_requested","time":1,"update_id":"u","name":"n","payload":{"a":1}}',
    ),
    (ev.UpdateAnswered(1, "u", _RAW), b'{"type":"update_answered","time":1,"update_id":"u","output":{"a":1}}'),
    (
        ev.UpdateAnswered(1, "u", failure=_FAILURE),
        b'{"type":"update_answered","time":1,"update_id":"u",' + _FAILED + b"}",
    ),
    (ev.CancelRequested(1), b'{"type":"cancel_requested","time":1}'),
    (ev.CancelRequested(1, "why"), b'{"type":"cancel_requested","time":1,"reason":"why"}'),
    (
        ev.ChildCompleted(1, 2, "w", "r.2", _RAW),
        b'{"type":"child_completed","time":1,"seq":2,"workflow":"w","run_id":"r.2","output":{"a":1}}',
    ),
    (
        ev.ChildFailed(1, 2, "w", "r.2", _FAILURE),
        b'{"type":"child_failed","time":1,"seq":2,"workflow":"w","run_id":"r.2",' + _FAILED + b"}",
    ),
    (
        ev.ChildCancelled(1, 2, "w", "r.2"),
        b'{"type":"child_cancelled","time":1,"seq":2,"workflow":"w","run_id":"r.2"}',
    ),
    (ev.ChildStarted(1, 2, "w", "r.2"), b'{"type":"child_started","time":1,"seq":2,"workflow":"w","run_id":"r.2"}'),
    (ev.SignalSent(1, 2, "r", "n"), b'{"type":"signal_sent","time":1,"seq":2,"run_id":"r","name":"n"}'),
    (ev.EventReceived(1, _RAW), b'{"type":"event_received","time":1,"event":{"a":1}}'),
    (ev.EventPublished(1, 2), b'{"type":"event_published","time":1,"seq":2}'),
    (ev.CancelSent(1, 2, "r"), b'{"type":"cancel_sent","time":1,"seq":2,"run_id":"r"}'),
    (
        ev.RequestFailed(1, 2, "r", _FAILURE),
        b'{"type":"request_failed","time":1,"seq":2,"run_id":"r","failure":{"type":"builtins:ValueError","message":"no",'
        b'"args":["no"],"traceback":"tb"}}',
    ),
    (ev.PatchRecorded(1, "c"), b'{"type":"patch_recorded","time":1,"change":"c"}'),
    (ev.RunCompleted(1, _RAW), b'{"type":"run_completed","time":1,"output":{"a":1}}'),
    (ev.RunFailed(1, _FAILURE), b'{"type":"run_failed","time":1,' + _FAILED + b"}"),
    (ev.RunCancelled(1), b'{"type":"run_cancelled","time":1}'),
    (ev.RunCancelled(1, "why"), b'{"type":"run_cancelled","time":1,"reason":"why"}'),
    (ev.RunTerminated(1), b'{"type":"run_terminated","time":1}'),
    (ev.RunTerminated(1, "why"), b'{"type":"run_terminated","time":1,"reason":"why"}'),
    (
        ev.RunTerminated(1, "why", "temporal://host/ns"),
        b'{"type":"run_terminated","time":1,"reason":"why","moved_to":"temporal://host/ns"}',
    ),
    (ev.RunPaused(1), b'{"type":"run_paused","time":1}'),
    (ev.RunPaused(1, "why"), b'{"type":"run_paused","time":1,"reason":"why"}'),
    (ev.RunResumed(1), b'{"type":"run_resumed","time":1}'),
    (ev.RunRedriven(1, 7), b'{"type":"run_redriven","time":1,"dropped_from":7}'),
    (ev.RunContinued(1, _RAW), b'{"type":"run_continued","time":1,"input":{"a":1}}'),
    (
        ev.RunStarted(1, _RAW, 2, attributes={"n": 1, "words": ["a"]}),
        b'{"type":"run_started","time":1,"input":{"a":1},"seed":2,"attributes":{"n":1,"words":["a"]}}',
    ),
    (
        ev.RunStarted(1, _RAW, 2, first_seq=3, admission=ev.Admission("q", 1, "t", 4, "s", "d", 5)),
        b'{"type":"run_started","time":1,"input":{"a":1},"seed":2,"first_seq":3,"admission":{"queue":"q","priority":1,'
        b'"tenant":"t","start_us":4,"singleton":"s","debounce":"d","latest_us":5}}',
    ),
    (
        ev.RunStarted(1, _RAW, 2, admission=ev.Admission()),
        b'{"type":"run_started","time":1,"input":{"a":1},"seed":2,"admission":{}}',
    ),
    (ev.RunAdmitted(1), b'{"type":"run_admitted","time":1}'),
    (ev.RunDebounced(1, _RAW), b'{"type":"run_debounced","time":1,"input":{"a":1}}'),
    (ev.RunReprioritized(1, 2), b'{"type":"run_reprioritized","time":1,"priority":2}'),
    (
        ev.AttributesSet(1, {"n": None, "word": "a"}),
        b'{"type":"attributes_set","time":1,"attributes":{"n":null,"word":"a"}}',
    ),
]
