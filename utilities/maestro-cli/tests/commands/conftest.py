from collections.abc import Iterator

import pytest

from maestro_cli.testing import Workspace

SHOP = """
from maestro_workflow_engine import on_update, publish, receive, workflow


@workflow(name="shop/order")
async def order(amount: int = 0) -> int:
    async def add(more: int) -> int:
        nonlocal amount
        if more < 0:
            raise ValueError("nothing is taken back")
        amount += more
        publish("amount", amount)
        return amount

    async def ponder(_: None) -> str:
        return await receive("thought")

    on_update("add", add, type=int)
    on_update("ponder", ponder)
    publish("amount", amount)
    await receive("pay")
    return amount
"""


@pytest.fixture(scope="session")
def shop_module() -> str:
    """A module with a workflow."""
    return SHOP


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """A real orchestrator with a workflow in Python and a queue of one."""
    space = Workspace(tmp_path_factory.mktemp("shop"), real=("maestro", "maestro-central-registry"))
    (space.site / "cornershop.py").write_text(SHOP)
    space.environ |= {
        "MAESTRO_ORCHESTRATOR_WORKFLOW_MODULES": '["cornershop"]',
        "MAESTRO_ORCHESTRATOR_QUEUES__COUNTER__CONCURRENCY": "1",
    }
    try:
        space.up()
        yield space
    finally:
        space.clean()
