from collections.abc import Callable

import pytest

from maestro.domain.errors import SetupError
from maestro.workflow_modules import load_modules

Module = Callable[[str, str], str]
FIRST = """
from maestro_workflow_engine import step, workflow

@step
def pick(item: str) -> str: return item

@workflow
async def ship() -> None: ...

@workflow(version="2.0.0")
async def send() -> None: ...
"""


def test_modules_give_their_workflows_and_steps(modules: Module) -> None:
    """What stands at the top of a module is gathered in order; what another module imports of it is not twice there."""
    names = [modules("ships_first", FIRST), modules("ships_again", "from ships_first import pick, ship")]
    found = load_modules(names)
    assert [(workflow.name, workflow.version) for workflow in found.workflows] == [("ship", "1.0.0"), ("send", "2.0.0")]
    assert [step.name for step in found.steps] == ["pick"]


def test_no_modules_give_nothing() -> None:
    """Without modules there is neither workflow nor step."""
    found = load_modules([])
    assert (list(found.workflows), list(found.steps)) == ([], [])


def test_all_faults_of_all_modules_are_listed(modules: Module) -> None:
    """Modules that are missing, that fail, that declare nothing and that contradict one another are all told of."""
    names = [
        modules("ships_first", FIRST),
        "ships_missing",
        modules("ships_broken", "raise RuntimeError('no harbour')"),
        modules("ships_empty", "import json"),
        modules("ships_other", FIRST.replace("return item", "return ''")),
    ]
    with pytest.raises(SetupError) as caught:
        load_modules(names)
    assert [fault.path for fault in caught.value.faults] == [
        "ships_missing",
        "ships_broken",
        "ships_empty",
        "ships_other",
        "ships_other",
        "ships_other",
    ]
    told = str(caught.value)
    assert "RuntimeError: no harbour" in told
    assert "declares neither a workflow nor a step" in told
    assert "declares step 'pick', which ships_first declares too" in told
    assert "declares workflow python/ship:1.0.0, which ships_first declares too" in told
