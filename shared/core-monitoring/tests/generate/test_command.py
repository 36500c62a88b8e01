from pathlib import Path

import pytest

from maestro_core_monitoring.__main__ import main

MODULE = """
from orders_application import application

service = application()
broken = 17


class Holder:
    nested = service


def make():
    return application()
"""


@pytest.fixture(autouse=True)
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module with an application, importable from where the command runs."""
    (tmp_path / "orders_main.py").write_text(MODULE, "utf-8")
    monkeypatch.syspath_prepend(tmp_path)


def test_both_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a folder, the document is the output."""
    assert main(["rules", "orders_main:service"]) == 0
    assert capsys.readouterr().out.startswith("# Written by `maestro monitoring rules orders`")
    assert main(["dashboards", "orders_main:service"]) == 0
    assert capsys.readouterr().out.startswith('{\n  "uid": "maestro-orders"')


def test_files_are_written_and_checked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that is missing or was changed by hand is not current; one that was just written is."""
    command = ["rules", "orders_main:service", "--output", str(tmp_path / "rules")]
    file = tmp_path / "rules" / "orders.yaml"
    assert main([*command, "--check"]) == 1
    assert main(command) == 0
    assert capsys.readouterr().out == f"{file}\n"
    assert main([*command, "--check"]) == 0
    file.write_text(file.read_text("utf-8").replace("14.4", "15"), "utf-8")
    assert main([*command, "--check"]) == 1
    assert f"{file} is not what would be written now" in capsys.readouterr().err
    assert "* 0.001" in file.read_text("utf-8")


def test_all_goes_where_prometheus_and_grafana_look(tmp_path: Path) -> None:
    """One call writes both."""
    assert main(["all", "orders_main:service", "--output", str(tmp_path)]) == 0
    assert (tmp_path / "grafana/dashboards/orders.json").is_file()
    assert (tmp_path / "prometheus/rules/orders.yaml").is_file()
    assert main(["all", "orders_main:service", "--output", str(tmp_path), "--check"]) == 0


@pytest.mark.parametrize("target", ["orders_main:make", "orders_main:Holder.nested"])
def test_an_application_may_be_made_or_nested(target: str, capsys: pytest.CaptureFixture[str]) -> None:
    """As servers take it."""
    assert main(["rules", target]) == 0
    assert '"orders: requests"' in capsys.readouterr().out


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("no_such_module:app", "there is no module no_such_module"),
        ("orders_main:app", "orders_main has no app"),
        ("orders_main", "orders_main has no app"),
        ("orders_main:broken", "17 has no attribute `metrics`"),
    ],
)
def test_what_cannot_be_read_is_told_in_a_line(target: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit status 2, and no traceback."""
    assert main(["rules", target]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("options", [["--check"], []])
def test_options_that_need_a_folder_say_so(options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Checking and writing both need to know where."""
    with pytest.raises(SystemExit):
        main(["all" if not options else "rules", "orders_main:service", *options])
    assert "needs --output" in capsys.readouterr().err
