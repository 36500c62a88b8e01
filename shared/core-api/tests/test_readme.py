import re
import unittest
from collections.abc import Callable
from pathlib import Path
from typing import Any

from maestro_core_api import MaestroAPI
from maestro_core_api.testing import running

README = Path(__file__).parents[1] / "README.md"


def blocks() -> list[str]:
    """The Python blocks of the README."""
    return re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)


async def test_the_readme_works(registry: Any, secret: str, make_app: Callable[..., MaestroAPI]) -> None:
    """The README's service answers its client through a registry, and passes its own test case."""
    service, client, test_case = blocks()
    names: dict[str, Any] = {"__name__": "readme"}
    for block in (service.replace("replace-this-by-at-least-32-bytes", secret), client, test_case):
        exec(compile(block, str(README), "exec"), names)
    async with running(registry.app) as registry_url, running(names["app"]) as url:
        registry.add("orders", url)
        assert await names["find"](registry_url, secret) == "ORDER_NOT_FOUND"
    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromTestCase(names["OrdersTest"]).run(result)
    assert result.testsRun == 2
    assert result.wasSuccessful(), result.errors + result.failures
