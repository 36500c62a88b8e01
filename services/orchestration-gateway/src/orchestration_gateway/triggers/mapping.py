"""From a message to the run that it starts: the trigger's jq programs, and what must come of them."""

from typing import Any, Protocol

from .declaration import Mapped
from .delivery import Start, run_id
from .errors import MappingError
from .trigger import Trigger

_LONGEST_KEY = 500


class Evaluates(Protocol):
    """Runs jq programs."""

    async def evaluate(self, programs: dict[str, str], message: Any) -> dict[str, list[Any]]:
        """Run programs on a message; see `JqPool.evaluate`."""
        ...


async def mapped(jq: Evaluates, trigger: Trigger, message: Any, *, key: str, round_: int = 0) -> Start | None:
    """Map a message to a run.

    Args:
        jq: Runs the programs.
        trigger: The trigger; a webhook or one for events.
        message: What the programs see.
        key: The delivery's key, of which the run's id is made unless `run_key` says otherwise.
        round_: How often the delivery was replayed as a new run.

    Returns:
        What to start; None when the filter lets it start nothing.

    Raises:
        MappingError: A program failed or gave something else than it must.
    """
    declaration = trigger.declaration
    assert isinstance(declaration, Mapped)
    programs = declaration.programs
    chosen = programs.pop("filter", None)
    # Apart from the others, which need not be made for what is filtered out.
    if chosen is not None:
        found = (await jq.evaluate({"filter": chosen}, message))["filter"]
        if not found or found[0] is None or found[0] is False:
            return None
    results = await jq.evaluate(programs, message)
    workflow = declaration.workflow or _workflow(declaration, _one("workflow_from", results))
    identity = f"key:{_text_key(_one('run_key', results))}" if "run_key" in results else f"delivery:{key}"
    return Start(
        workflow,
        run_id(trigger.name, identity, tenant=trigger.tenant, round_=round_),
        _one("input", results),
    )


def _one(name: str, results: dict[str, list[Any]]) -> Any:
    found = results[name]
    if len(found) != 1:
        raise MappingError(name, "it must give one result, and gives none" if not found else "it gives more than one")
    return found[0]


def _workflow(declaration: Mapped, found: Any) -> str:
    if not isinstance(found, str) or found not in declaration.allowed_workflows:
        allowed = ", ".join(declaration.allowed_workflows)
        raise MappingError("workflow_from", f"it gives {str(found)[:100]!r}, which is not one of: {allowed}")
    return found


def _text_key(found: Any) -> str:
    if isinstance(found, bool) or not isinstance(found, str | int | float) or found == "":
        raise MappingError("run_key", "it must give text that is not empty, or a number")
    text = str(found)
    if len(text) > _LONGEST_KEY:
        raise MappingError("run_key", f"it gives more than {_LONGEST_KEY} characters")
    return text
