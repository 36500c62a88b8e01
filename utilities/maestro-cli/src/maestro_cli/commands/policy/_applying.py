"""Testing policies, and putting them in force."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import rich_click as click

from maestro_cli import render
from maestro_cli._errors import EXIT_FAILED
from maestro_cli.commands._governance_target import GovernanceTarget
from maestro_cli.commands._options import examples, json_option

from ._files import tested

if TYPE_CHECKING:
    from maestro_cli.governance import GovernanceClient


@click.command("test", short_help="Test policies in files, without a service.")
@click.argument("place")
@json_option
@click.pass_context
@examples("maestro policy test policies/", "maestro policy test policies/licences.cedar --json")
def run_policy_tests(ctx: click.Context, place: str, as_json: bool) -> None:
    """Compile the policies at PLACE, check them against their schemas, and run their tests. No service is needed.

    Ends with 1 when one is not sound or a test fails.
    """
    reports = tested(place)
    if as_json:
        render.print_json([{name: value for name, value in one.items() if name != "source"} for one in reports])
    else:
        for report in reports:
            _show(report)
    ctx.exit(0 if all(report["passed"] for report in reports) else EXIT_FAILED)


@click.command("apply", short_help="Put policies in force.")
@click.argument("place")
@click.option("--dry-run", is_flag=True, help="Change nothing; tell which of the latest decisions would be others.")
@click.option("--if-version", "seen", type=int, help="Only if this version is in force now.")
@json_option
@click.pass_context
@examples("maestro policy apply policies/licences.cedar --dry-run", "maestro policy apply policies/")
def apply_policies(ctx: click.Context, place: str, dry_run: bool, seen: int | None, as_json: bool) -> None:
    """Put the policies at PLACE in force. Those that are not sound, or whose tests fail, stop it before anything is changed."""
    reports = tested(place)
    wrong = [
        report
        for report in reports
        if not (report["passed"] or (dry_run and report["source"] and not report["faults"]))
    ]
    if wrong:
        for report in wrong:
            _show(report)
        ctx.exit(EXIT_FAILED)
    target: GovernanceTarget = ctx.obj

    async def apply(client: GovernanceClient) -> list[Mapping[str, Any]]:
        return [
            await client.apply_policy(report["policy"], report["source"], dry_run=dry_run, seen=seen)
            for report in reports
        ]

    applied = target.call(apply)
    if as_json:
        render.print_json(applied)
        return
    for outcome in applied:
        render.out().print(_said(outcome), markup=False, soft_wrap=True)
        for change in (outcome["dry_run"] or {}).get("changes", ()):
            after = change["after"] or "no answer: the question does not fit the schema"
            because = "; ".join(reason["text"] for reason in change["reasons"])
            subject = change["question"]["resource"]["id"]
            render.out().print(f"  {subject}: {change['before']} -> {after}  {because}", markup=False, soft_wrap=True)


def _said(outcome: Mapping[str, Any]) -> str:
    compared = outcome["dry_run"]
    if compared is not None:
        failed = sum(not result["passed"] for result in outcome["tests"]["results"])
        tests = f"{render.counted(failed, 'test')} would fail; " if failed else ""
        looked = render.counted(compared["compared"], "decision")
        return f"{outcome['name']}: {tests}of the latest {looked}, {compared['changed']} would change"
    what = "in force now" if outcome["created"] else "was in force already"
    return f"{outcome['name']}: version {outcome['version']} {what}"


def _show(report: Mapping[str, Any]) -> None:
    console = render.out()
    for fault in report["faults"]:
        console.print(f"{report['policy']}: {fault['path']}: {fault['message']}", markup=False, soft_wrap=True)
    for result in report["results"]:
        mark = "ok    " if result["passed"] else "FAILED"
        said = "" if result["passed"] else f": {result['problem']}"
        console.print(f"{mark} {report['policy']}: {result['name']}{said}", markup=False, soft_wrap=True)
    if not report["faults"] and not report["results"]:
        console.print(f"ok     {report['policy']}: sound, and without tests", markup=False, soft_wrap=True)
