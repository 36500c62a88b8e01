"""pytest's fixture `captured_logs`; maestro-core-logging brings it along, no import is needed.

It is a module beside the package, because pytest loads it in every run: the package itself is imported by the first
test that uses the fixture.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from maestro_core_logging.testing import CapturedLogs


@pytest.fixture
def captured_logs() -> Iterator[CapturedLogs]:
    """Collect the log lines of one test instead of writing them; see `maestro_core_logging.testing.capture_logs`."""
    from maestro_core_logging.testing import capture_logs  # noqa: PLC0415 - pytest starts without it

    with capture_logs() as lines:
        yield lines
