"""What the runners can do: the rows of the table in docs/workflow-engine/runners.md, and each difference with its reason.

A test names its row with `@pytest.mark.capability(name)`. One that is in REFUSED has to raise UnsupportedByRunnerError on Temporal: it
fails when it works there, and when it fails in another way.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Capability:
    """A row of the table."""

    name: str
    """What tests call it."""

    title: str
    """What the table calls it."""

    note: str = ""
    """What is otherwise on Temporal, though it works there."""


CAPABILITIES = (
    Capability("types", "typed inputs and results: models, dataclasses, structs"),
    Capability("ids", "one id, one run, however often it is started"),
    Capability("steps", "steps on the loop and in threads, exceptions as they were raised"),
    Capability(
        "retries",
        "retries by policy, by exception, by call",
        "the history has no `step_retrying`: a cluster keeps the number of attempts, not each",
    ),
    Capability("timeouts", "timeouts of an attempt, of all attempts, of silence"),
    Capability(
        "heartbeats",
        "heartbeats with details for the next attempt",
        "what a step said last is not in `waiting_for`",
    ),
    Capability("signals", "signals, queries, `waiting_for`"),
    Capability("updates", "updates with validators, answered once"),
    Capability("cancellation", "cancellation with clean-up"),
    Capability("sagas", "sagas: compensation runs to its end"),
    Capability("asyncio", "plain asyncio: order, chance, time, generators, timeouts"),
    Capability("continuing", "`continue_as_new`"),
    Capability("versions", "versions side by side, `patched`"),
    Capability("children", "children by call and by handle, `on_parent_close`"),
    Capability(
        "unknown-children",
        "a child whose workflow nobody registered",
        "it does not fail at once, but waits for a worker that knows its workflow",
    ),
    Capability(
        "requests",
        "signals and cancel requests to other runs, and to itself",
        'a cluster does not tell "ended" from "not there", and takes a cancel request to an ended run',
    ),
    Capability("pausing", "pausing a run"),
    Capability("terminating", "terminating a run, and its children by their policies"),
    Capability(
        "redriving",
        "retrying a failed run from its failed step, its children with it",
        "a new execution under the same id begins with what completed, and listings show both; an abandoned child that still "
        "runs cannot be awaited again",
    ),
    Capability("forking", "forking a run"),
    Capability(
        "history",
        "history, `watch`, exports that replay",
        "an acknowledged signal may be in the history a moment later",
    ),
    Capability("importing", "taking over a run of another engine"),
    Capability("ended-imports", "taking over a run that has ended"),
    Capability(
        "taken-ids", "`if_running`, `if_ended`", "the run that gave up its id is found in the cluster's own tools only"
    ),
    Capability("delays", "`delay`, `start_at`", "the status is `running`, not `queued`"),
    Capability("attributes", "search attributes: shown, carried on, found by value and `one_of`"),
    Capability("ranges", "search attributes by range"),
    Capability(
        "listing", "listing and counting, a page at a time", "a little later; open runs first, then by when they ended"
    ),
    Capability(
        "many-runs",
        "`cancel_all`, `pause_all`, `resume_all`, `terminate_all`, `retry_all`",
        "of the runs that are listed, which is a little later; each run is asked whether it is paused",
    ),
    Capability("listing-by-state", "listing what is paused, or the oldest first"),
    Capability(
        "schedules",
        "schedules",
        "`catch_up` of 10 s or more; the cluster reads cron expressions and changes of the clocks its own way, and shows a change a moment later",
    ),
    Capability("documents", "documents of the Open Workflow DSL"),
    Capability(
        "events",
        "events: `publish_event`, `listen`, `emit`",
        "an event is known again among the last 20,000; up to 1 MB without a payload store; the end of a `listen` takes effect a "
        "moment later",
    ),
    Capability("event-schedules", "`schedule.on`"),
    Capability("lifecycle", "lifecycle events"),
    Capability(
        "event-sink", "`event_sink`", "beyond 250 kB that wait for it, or 16 MB with a payload store, `emit` waits"
    ),
    Capability("patterns", "the 43 workflow patterns", "tests that let days pass are left out"),
    Capability("encryption", "encrypted payloads"),
    Capability(
        "payload-store",
        "large payloads in a store; without one they are refused",
        "nothing deletes what is no longer referred to; what a workflow hands on, and what it returns, is bounded by the cluster",
    ),
    Capability("restarts", "an engine that closes or dies: what was under way goes on in the next one"),
    Capability("tenants", "priority and tenant", "in a queue without limits; the cluster has five levels"),
    Capability("queues", "queues with limits, views into queues, moving within one"),
    Capability("keys", "`debounce`, `singleton`"),
    Capability("pausing-workflows", "pausing workflows and queues"),
    Capability("retention", "purging, retention, deletion"),
)

_BOUND_THE_WORKERS = "bound the number of workers, and give each kind of work a task queue"
_BY_THE_NAMESPACE = "the namespace has a retention"

REFUSED = {
    "test_a_run_that_has_ended_can_be_taken_over": "keep what has ended in a journal",
    "test_runs_are_found_by_a_range": "values can be looked for, ranges and beginnings cannot",
    "test_what_is_paused_is_listed": "paused and queued runs count as running",
    "test_the_oldest_come_first_when_asked": "a cluster has one order",
    "test_a_queue_lets_so_many_run_at_once": _BOUND_THE_WORKERS,
    "test_a_run_is_moved_within_its_queue": "give the priority when the run is started",
    "test_a_queue_shows_who_waits": "look at the backlog of the task queue",
    "test_starts_in_a_burst_become_one_run": "make the id of the key, and signal the run",
    "test_a_key_has_one_open_run": "make the id of the key, and say `if_running`",
    "test_a_workflow_is_paused_as_a_whole": "pause runs, or stop workers",
    "test_a_queue_is_paused": "pause runs, or stop workers",
    "test_what_has_ended_is_purged": _BY_THE_NAMESPACE,
    "test_what_has_ended_goes_by_a_rule": _BY_THE_NAMESPACE,
    "test_a_run_is_deleted": _BY_THE_NAMESPACE,
}
"""Tests that a cluster refuses, by function: what to do there instead."""


@dataclass(frozen=True)
class Result:
    """What came of one test on one runner: `passed`, `refused`, or anything else."""

    capability: str
    runner: str
    test: str
    file: str
    outcome: str


def expected(test: str, runner: str) -> str:
    """Return what has to come of a test."""
    return "refused" if runner == "temporal" and test in REFUSED else "passed"


def table(results: Iterable[Result]) -> str:
    """Return the table in Markdown."""
    kept = list(results)
    lines = ["| | embedded | Temporal | otherwise on Temporal | shown by |", "|---|---|---|---|---|"]
    for row in CAPABILITIES:
        its = [result for result in kept if result.capability == row.name]
        verdicts = [_verdict([each for each in its if each.runner == runner]) for runner in ("embedded", "temporal")]
        reasons = dict.fromkeys(REFUSED[each.test] for each in its if each.outcome == "refused")
        notes = "; ".join(filter(None, [row.note, *reasons]))
        files = ", ".join(f"`{file}`" for file in sorted({each.file for each in its}))
        lines.append(f"| {row.title} | {verdicts[0]} | {verdicts[1]} | {notes} | {files} |")
    return "\n".join(lines)


def _verdict(results: list[Result]) -> str:
    outcomes = {result.outcome for result in results}
    if outcomes == {"passed"}:
        return "yes"
    if outcomes == {"refused"}:
        return "no"
    return "partly" if outcomes == {"passed", "refused"} else "not known"
