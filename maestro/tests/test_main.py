import pytest

from maestro.__main__ import main


def test_a_setting_that_is_wrong_stops_the_start(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A configuration with faults ends the start with status 78, naming the variable."""
    monkeypatch.setenv("MAESTRO_ORCHESTRATOR_MAX_CONCURRENT_WORKFLOWS", "none")
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 78
    assert "MAESTRO_ORCHESTRATOR_MAX_CONCURRENT_WORKFLOWS" in capsys.readouterr().err


def test_a_module_that_is_not_there_stops_the_start(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A workflow module that cannot be imported ends the start with status 78, naming the module."""
    monkeypatch.setenv("MAESTRO_ORCHESTRATOR_WORKFLOW_MODULES", '["no_such_module"]')
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 78
    assert "no_such_module: cannot be imported (ModuleNotFoundError" in capsys.readouterr().err
