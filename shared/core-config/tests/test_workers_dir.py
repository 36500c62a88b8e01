from pathlib import Path

import pytest

from maestro_core_config import workers_dir


@pytest.mark.parametrize(
    ("environ", "folder"),
    [({}, None), ({"MAESTRO_WORKERS_DIR": ""}, None), ({"MAESTRO_WORKERS_DIR": "/run/orders"}, Path("/run/orders"))],
)
def test_the_folder_is_the_one_that_the_parent_names(environ: dict[str, str], folder: Path | None) -> None:
    """Nothing, or nothing in it, means one process."""
    assert workers_dir(environ) == folder


def test_the_environment_of_the_process_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without variables to look in, those of the process count."""
    monkeypatch.setenv("MAESTRO_WORKERS_DIR", "/run/orders")
    assert workers_dir() == Path("/run/orders")
