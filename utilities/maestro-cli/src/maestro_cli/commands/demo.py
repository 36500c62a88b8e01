"""`maestro demo`: the main job, from nothing to its report."""

import asyncio
import signal
from collections.abc import Coroutine, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import rich_click as click

from maestro_cli import render
from maestro_cli._demo_answer import answer_what_is_asked, has_governance
from maestro_cli._demo_progress import ReviewProgress
from maestro_cli._documents import parse_document
from maestro_cli._following import follow_run
from maestro_cli._invocation import invocation
from maestro_cli._watching import EnvironmentWatch
from maestro_cli.client import OrchestratorClient, open_orchestrator
from maestro_cli.local import (
    GATEWAY,
    ORCHESTRATOR,
    DatabaseKind,
    Engine,
    EnvironmentState,
    Home,
    Lifetime,
    SupervisorOptions,
    check_same_database,
    check_same_engine,
    database_of,
    document_files,
    engine_of,
    follow_start,
    has_gateway,
    load_state,
    lock_holder,
    own_environment,
    start_detached,
    stop_environment,
)

from ._options import Seconds, config_folder, database_option, engine_option, json_option

WORKFLOW: Final = "examples/dependency-review"
_MOST_LICENSES: Final = 15


@click.command(short_help="Review the licences of what is installed here.")
@click.option("--limit", type=click.IntRange(min=1), help="Review only so many distributions.")
@click.option(
    "--timeout", type=Seconds(), default="60", show_default=True, help="How long a service may take to be ready."
)
@click.option("--ask", is_flag=True, help="Wait for your own approval where the policy wants one.")
@engine_option
@database_option
@json_option
@click.pass_obj
def demo(
    home: Home,
    limit: int | None,
    timeout: timedelta,
    ask: bool,
    engine: Engine | None,
    database: DatabaseKind | None,
    as_json: bool,
) -> None:
    """Review the licence of every distribution that is installed here and write a report.

    Licences are recognised from their texts, a policy says what may be used, and where it wants an approval the demo gives it.
    Starts the environment unless it runs, and stops what it has started, whatever happens.
    """
    run_id = f"demo-{datetime.now(UTC):%Y%m%d-%H%M%S-%f}"
    value: dict[str, Any] = {"output_dir": str(home.root / "reports" / run_id)}
    if limit is not None:
        value["limit"] = limit
    gateway = has_gateway(own_environment())
    options = SupervisorOptions(ready_timeout=timeout, engine=engine, database=database, gateway=gateway)
    with _terminable(), _environment(home, options) as used:
        run = asyncio.run(_review(home, run_id, value, approve=not ask))
    if as_json:
        render.print_json(run["output"])
    else:
        _show(home, run, used)


async def _review(home: Home, run_id: str, value: dict[str, Any], *, approve: bool) -> Mapping[str, Any]:
    governed = has_governance(home)
    if not governed:
        render.err().print("No governance-service runs here, so no policy is asked.")
        value["policy"] = None
    async with open_orchestrator(home, None, None) as client:
        for origin, text in document_files().items():
            document = parse_document(text.encode(), origin)
            await client.put_workflow(
                document.namespace, document.name, document.version, document.text, document.content_type
            )
        async with open_orchestrator(home, _through_the_gateway(home), None) as outside:
            await outside.start(WORKFLOW, value, run_id)
        try:
            with ReviewProgress(render.err(), value.get("limit")) as progress:
                answering = answer_what_is_asked(home, run_id, render.err(), approve=approve) if governed else None
                return await _beside(answering, follow_run(client, run_id, progress))
        except asyncio.CancelledError:
            await _give_up(client, run_id)
            raise


def _through_the_gateway(home: Home) -> str | None:
    """Return the orchestrator's address from outside, as a caller elsewhere would use it; None where there is no gateway."""
    state = load_state(home)
    gateway = None if state is None else state.service(GATEWAY)
    return None if gateway is None else f"{gateway.url}/{ORCHESTRATOR}"


async def _beside(
    beside: Coroutine[Any, Any, None] | None, work: Coroutine[Any, Any, Mapping[str, Any]]
) -> Mapping[str, Any]:
    """Do some work, and something beside it that ends with it; what fails first is raised."""
    main = asyncio.create_task(work)
    other = None if beside is None else asyncio.create_task(beside)
    try:
        if other is not None:
            await asyncio.wait({main, other}, return_when=asyncio.FIRST_COMPLETED)
            if other.done():
                await other
        return await main
    finally:
        for task in (main, other):
            if task is not None:
                task.cancel()
        await asyncio.gather(main, *([other] if other else []), return_exceptions=True)


async def _give_up(client: OrchestratorClient, run_id: str) -> None:
    # An environment that was running before goes on, and this run in it must not.
    with suppress(Exception):  # the interruption is what the caller hears of
        await asyncio.wait_for(client.cancel(run_id), timeout=2)


@contextmanager
def _environment(home: Home, options: SupervisorOptions) -> Iterator[EnvironmentState]:
    """Have an environment while the block runs; stop it afterwards when it was not there before.

    Yields:
        Where it stood when it was ready.
    """
    console = render.err()
    if lock_holder(home) is not None:
        running = follow_start(home)
        check_same_engine(home, options.engine)
        check_same_database(home, options.database)
        console.print(f"Using the environment in {home.root}, which runs already.", markup=False, soft_wrap=True)
        yield running
        return
    with EnvironmentWatch(console) as watch:
        started = start_detached(
            home,
            (),
            own_environment(),
            options=options,
            config_dir=config_folder(),
            lifetime=Lifetime.CALLERS,
            watch=watch,
        )
    try:
        yield started.state
    finally:
        console.print("Stopping what the demo has started.")
        stop_environment(home, grace=options.grace)
        started.supervisor.wait()


@contextmanager
def _terminable() -> Iterator[None]:
    """Let SIGTERM and SIGHUP unwind the stack, so that what was started is stopped."""

    def terminate(number: int, _: object) -> None:
        raise SystemExit(128 + number)

    before = {number: signal.signal(number, terminate) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _show(home: Home, run: Mapping[str, Any], used: EnvironmentState) -> None:
    output = run["output"]
    rate = output.get("match_rate")
    console = render.out()
    licenses = [(entry["license"], entry["count"]) for entry in output.get("by_license", [])]
    console.print(render.table(("LICENCE", "DISTRIBUTIONS"), licenses[:_MOST_LICENSES], right=("DISTRIBUTIONS",)))
    if len(licenses) > _MOST_LICENSES:
        console.print(f"… and {len(licenses) - _MOST_LICENSES} more")
    matched = f"{output.get('matched')}" + ("" if rate is None else f" ({rate:.1%} of those that can be compared)")
    facts = [
        ("Distributions", output.get("distributions")),
        ("Licence recognised from its text", output.get("recognized")),
        ("Licence declared", output.get("declared")),
        ("Recognised as declared", matched),
        *_policy_facts(output.get("policy")),
        ("Took", render.duration(timedelta(seconds=output.get("duration_s") or 0))),
    ]
    console.print()
    console.print(render.table(("", ""), facts))
    console.print("\nWhere to look further", style="bold")
    maestro = invocation()
    again = f"{maestro} up --detach"
    again += "" if engine_of(used) is Engine.EMBEDDED else f" --engine {engine_of(used)}"
    again += "" if database_of(used) is DatabaseKind.SQLITE else f" --database {database_of(used)}"
    for name, where in (
        ("Report", output.get("report_html")),
        ("As data", output.get("report_json")),
        ("Bill of materials", output.get("sbom")),
        ("Everything about it", f"{maestro} trace {run['id']} (after {again})"),
        ("This run", f"{maestro} workflow show {run['id']} (after {again})"),
        ("Logs", f"{maestro} logs {ORCHESTRATOR}; all in {home.logs}"),
    ):
        console.print(f"  {name}: {where}", markup=False, soft_wrap=True)


def _policy_facts(policy: Mapping[str, Any] | None) -> list[tuple[str, object]]:
    if policy is None:
        return []
    approval = policy.get("approval")
    told = "" if approval is None else f" ({approval['decision']} by {', '.join(approval['by']) or 'nobody'})"
    return [
        ("Allowed by the policy", policy["allowed"]),
        ("In need of an approval", f"{policy['needs_approval']}{told}"),
        ("Denied", policy["denied"]),
    ]
