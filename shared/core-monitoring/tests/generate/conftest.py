import sys
from datetime import timedelta
from pathlib import Path

import pytest

from maestro_core_monitoring.generate import ServiceDeclaration, declaration_of

# What the tests of this folder share is in modules beside them.
if (here := str(Path(__file__).parent)) not in sys.path:
    sys.path.insert(0, here)

from orders_application import application


@pytest.fixture
def service() -> ServiceDeclaration:
    """A service with objectives of its own."""
    return declaration_of(application(untimed=("/stream",), latency_threshold=timedelta(seconds=1)))
