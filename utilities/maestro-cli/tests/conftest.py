from collections.abc import Iterator
from pathlib import Path

import pytest

from maestro_cli.testing import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    space = Workspace(tmp_path)
    yield space
    space.clean()
