"""Asking policies."""

import json
from typing import Any, Final

import rich_click as click

from maestro_cli import render
from maestro_cli._errors import EXIT_FAILED
from maestro_cli.commands._governance_target import GovernanceTarget
from maestro_cli.commands._options import examples, json_option

EXIT_NEEDS_APPROVAL: Final = 4
_EXITS: Final = {"allow": 0, "deny": EXIT_FAILED, "needs_approval": EXIT_NEEDS_APPROVAL}


class Named(click.ParamType[tuple[str, Any]]):
    """A name and its value, written as name=value; a value that is no JSON is text."""

    name = "name=value"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, Any]:
        """Read it."""
        if isinstance(value, tuple):
            return value
        name, found, text = value.partition("=")
        if not found or not name:
            self.fail(f"{value!r} is not written as name=value", param, ctx)
        try:
            return name, json.loads(text)
        except ValueError:
            return name, text


class EntityName(click.ParamType[dict[str, str]]):
    """An entity, written as Type::id."""

    name = "type::id"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> dict[str, str]:
        """Read it."""
        if isinstance(value, dict):
            return value
        kind, found, entity_id = value.rpartition("::")
        if not found or not kind or not entity_id:
            self.fail(f"{value!r} is not written as Type::id", param, ctx)
        return {"type": kind, "id": entity_id}


@click.command("check", short_help="Ask a policy.")
@click.argument("policy")
@click.argument("action")
@click.option("--principal", type=EntityName(), required=True, help="Who: Service::dependency-review.")
@click.option("--resource", type=EntityName(), required=True, help="What: Distribution::certifi.")
@click.option("-a", "--attribute", "attributes", type=Named(), multiple=True, help="What is known of the resource.")
@click.option(
    "--principal-attribute", "of_principal", type=Named(), multiple=True, help="What is known of the principal."
)
@click.option("-c", "--context", "context", type=Named(), multiple=True, help="Under which circumstances.")
@click.option("--record", is_flag=True, help="Keep the decision in the log.")
@json_option
@click.pass_context
@examples(
    "maestro policy check licences use --principal Service::review --resource Distribution::certifi "
    "-a 'licenses=[\"MPL-2.0\"]' -a confidence=0.98"
)
def ask_policy(
    ctx: click.Context,
    policy: str,
    action: str,
    principal: dict[str, Any],
    resource: dict[str, Any],
    attributes: tuple[tuple[str, Any], ...],
    of_principal: tuple[tuple[str, Any], ...],
    context: tuple[tuple[str, Any], ...],
    record: bool,
    as_json: bool,
) -> None:
    """Ask POLICY whether ACTION is allowed. Ends with 0 for allow, 1 for deny, 4 when it needs an approval."""
    question = {
        "policy": policy,
        "principal": {**principal, "attributes": dict(of_principal)},
        "action": action,
        "resource": {**resource, "attributes": dict(attributes)},
        "context": dict(context),
        "dry_run": not record,
    }
    target: GovernanceTarget = ctx.obj
    answer = target.call(lambda client: client.post("decisions", body=question))
    if as_json:
        render.print_json(answer)
    else:
        _show(answer)
    ctx.exit(_EXITS[answer["decision"]])


@click.command("explain", short_help="Tell why a decision was taken.")
@click.argument("decision_id")
@json_option
@click.pass_obj
def explain_decision(target: GovernanceTarget, decision_id: str, as_json: bool) -> None:
    """Tell what was asked in the decision DECISION_ID, what was answered, and why."""
    found = target.call(lambda client: client.get("decisions", decision_id))
    if as_json:
        render.print_json(found)
        return
    question = found["question"]
    facts = [
        ("Asked by", found["asked_by"]),
        ("When", render.moment(found["decided_at"])),
        ("Trace", found["trace_id"]),
        ("Principal", _entity(question["principal"])),
        ("Action", question["action"]),
        ("Resource", _entity(question["resource"])),
        ("Context", json.dumps(question["context"], ensure_ascii=False) if question.get("context") else None),
    ]
    render.out().print(render.table(("", ""), [fact for fact in facts if fact[1] is not None]))
    _show(found)


def _show(answer: dict[str, Any]) -> None:
    console = render.out()
    decision = answer["decision"].replace("_", " ")
    console.print(f"{decision}  (policy {answer['policy']}, version {answer['policy_version']})", markup=False)
    for reason in answer["reasons"]:
        console.print(f"  {reason['rule']}: {reason['text']}", markup=False, soft_wrap=True)


def _entity(entity: dict[str, Any]) -> str:
    attributes = entity.get("attributes")
    said = f" {json.dumps(attributes, ensure_ascii=False)}" if attributes else ""
    return f"{entity['type']}::{entity['id']}{said}"
