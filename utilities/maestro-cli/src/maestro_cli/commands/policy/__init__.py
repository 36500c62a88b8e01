"""`maestro policy`: rules as code, tested, tried out, put in force and asked."""

import rich_click as click

from maestro_cli.commands._governance_target import GovernanceTarget, governance_options

from ._applying import apply_policies, run_policy_tests
from ._asking import ask_policy, explain_decision
from ._looking import list_policies, show_policy


@click.group(short_help="Test policies, put them in force, ask them.")
@governance_options
@click.pass_context
def policy(ctx: click.Context, url: str | None, token: str | None, user: str | None) -> None:
    """Test policies, put them in force, ask them.

    A policy is a file NAME.cedar with rules, NAME.cedarschema with what can be asked about, and NAME.tests.yaml with questions and the
    answers that they have to get. PLACE is such a file of rules, or a folder of them.
    """
    ctx.obj = GovernanceTarget(ctx.obj, url, token, user)


for command in (list_policies, show_policy, run_policy_tests, apply_policies, ask_policy, explain_decision):
    policy.add_command(command)

__all__ = ["policy"]
