"""Answering, for the demo, what the review asks of those who approve."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from rich.console import Console

from maestro_cli._errors import MaestroCliError
from maestro_cli._invocation import invocation
from maestro_cli.governance import GovernanceClient, open_governance
from maestro_cli.local import GOVERNANCE, Home, load_state

_PAUSE: Final = timedelta(seconds=1)
_USER: Final = "demo"
_SHOWN: Final = 8


def has_governance(home: Home) -> bool:
    """Tell whether there is somebody to ask for policies and approvals.

    Args:
        home: The environment's folder.
    """
    state = load_state(home)
    return state is not None and state.service(GOVERNANCE) is not None


async def answer_what_is_asked(home: Home, run_id: str, console: Console, *, approve: bool) -> None:
    """Wait for the run to ask those who approve, show what it asks, and approve it or say how a person does.

    Args:
        home: The environment's folder.
        run_id: The run.
        console: Where to show it.
        approve: Whether to approve; otherwise a person has to.

    Raises:
        MaestroCliError: It could not be approved.
    """
    async with open_governance(home, None, None, _USER) as governance:
        asked = await _asked(governance, run_id)
        _show(asked, console)
        by_hand = f"{invocation()} approval approve {asked['id']}"
        if not approve:
            console.print(f"It waits for you: {by_hand} (or reject)", markup=False, soft_wrap=True)
            return
        body = {"decision": "approve", "comment": "Approved by the demo."}
        try:
            await governance.post("approvals", asked["id"], "decide", body=body)
        except MaestroCliError as error:
            raise MaestroCliError(f"the demo could not approve: {error.message}", hint=f"By hand: {by_hand}") from error
        console.print(f"Approved, as {by_hand} would.", markup=False, soft_wrap=True)


async def _asked(governance: GovernanceClient, run_id: str) -> Mapping[str, Any]:
    while True:
        if waiting := await governance.listed("approvals", limit=1, run_id=run_id, status="open"):
            return waiting[0]
        await asyncio.sleep(_PAUSE.total_seconds())


def _show(asked: Mapping[str, Any], console: Console) -> None:
    console.print(asked["title"], style="bold", markup=False, soft_wrap=True)
    distributions = asked.get("context", {}).get("distributions", [])
    for one in distributions[:_SHOWN]:
        reasons = " ".join(one.get("reasons", []))
        console.print(f"  {one['name']} {one['version']}: {reasons}", markup=False, soft_wrap=True)
    if len(distributions) > _SHOWN:
        console.print(f"  … and {len(distributions) - _SHOWN} more")
