"""The example of the gateway's page does what the page says of it."""

import runpy
from datetime import timedelta
from pathlib import Path

from maestro_core_api.gateway import declaration_of

EXAMPLE = Path(__file__).parents[2] / "docs" / "gateway" / "examples" / "declared.py"


def test_the_example_declares_what_the_page_says() -> None:
    """A prefix's limits hold for the endpoint below it, whose own role stays; what is public stays public; a tenth goes to the canary."""
    declaration = declaration_of(runpy.run_path(str(EXAMPLE))["app"])
    found = {(route.path, route.is_prefix): route for route in declaration.routes}
    assert found["/orders/{number}", False].rate_limits[0].by == ("tenant",)
    assert found["/orders/{number}", False].role_rule == "role:admin"
    assert found["/about", False].authentication == "public"
    assert found["/reports", True].timeout == timedelta(minutes=2)
    assert declaration.weights == {"2.0.0": 10}
