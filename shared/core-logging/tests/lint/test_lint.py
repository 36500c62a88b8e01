from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

from maestro_core_logging.lint import RULES, Flake8Checker, lint_paths, lint_source


def codes(text: str) -> list[tuple[int, str]]:
    return [(finding.line, finding.code) for finding in lint_source(text)]


@pytest.mark.parametrize(
    ("call", "code"),
    [
        ('logger.info(f"User {user} left")', "MLG001"),
        ('self._logger.error(f"{x}")', "MLG001"),
        ('log.debug("a " f"{x}")', "MLG001"),
        ('logging.warning(f"{x}", extra={})', "MLG001"),
        ('logger.log(20, f"{x}")', "MLG001"),
        ('logger.bind(a=1).info(f"{x}")', "MLG001"),
        ('get_logger(__name__).info(f"{x}")', "MLG001"),
        ('logging.getLogger("a").getChild("b").info(f"{x}")', "MLG001"),
        ('await logger.ainfo(f"{x}")', "MLG001"),
        ('logger.info(f"a {x}" if x else "b")', "MLG001"),
        ('logger.info("a" if x else f"b {x}")', "MLG001"),
        ('logger.info(event=f"{x}")', "MLG001"),
        ('request.app.logger.info(f"{x}")', "MLG001"),
        ('audit_log.info(f"{x}")', "MLG001"),
        ('logger.info("User " + user)', "MLG002"),
        ('logger.info(user + " left " + when)', "MLG002"),
        ('logger.info("User %s" % user)', "MLG002"),
        ('logger.info("User {}".format(user))', "MLG002"),
        ('logger.info(", ".join(names))', "MLG002"),
        ("logger.exception(str(error))", "MLG003"),
        ("logger.error(repr(error))", "MLG003"),
    ],
)
def test_events_that_are_made_anew_are_found(call: str, code: str) -> None:
    """However the logger is reached, and however the words are put together."""
    text = f"async def f():\n    {call}\n"
    assert codes(text) == [(2, code)]
    assert set(RULES) == {"MLG001", "MLG002", "MLG003"}


@pytest.mark.parametrize(
    "call",
    [
        'logger.info("User left", user=user)',
        'logger.info(f"no placeholders")',
        'logger.info("User %s left", user)',
        'logger.info("a " "b")',
        'logger.info("a" + "b")',
        "logger.info(EVENT)",
        'logger.info("x", path=f"{a}/{b}")',
        'math.log(f"{x}")',
        'catalog.info(f"{x}")',
        'print(f"{x}")',
        "logger.info()",
        'logger.log(f"{x}")',
        'dialog.error(f"{x}")',
    ],
)
def test_what_is_fine_is_left_alone(call: str) -> None:
    """Fixed words, fields of any kind, and calls of what is no logger."""
    assert codes(call) == []


def test_loggers_are_known_by_what_they_are_assigned_from() -> None:
    """A name of one's own for a logger does not hide its calls."""
    text = """
from maestro_core_logging import get_logger
events = get_logger("x")
class A:
    def __init__(self):
        self.out = get_logger("y").bind(a=1)
    def f(self):
        self.out.info(f"{self}")
        events.info(f"{self}")
        self.other.info(f"{self}")
"""
    assert codes(text) == [(8, "MLG001"), (9, "MLG001")]


def test_words_put_together_before_the_call_are_found() -> None:
    """A variable that can only hold such words is judged like them; one that may hold others is not."""
    text = """
def f(x, given):
    message = f"{x}"
    logger.info(message)
    both = f"{x}"
    both = "fixed"
    logger.info(both)
    logger.info(given)
    for each in x:
        logger.info(each)
def g(message):
    logger.info(message)
"""
    assert codes(text) == [(4, "MLG001")]


def test_the_message_suggests_fields() -> None:
    """What stood in the words is named as it would be passed."""
    (finding,) = lint_source('logger.info(f"Order {order.id} of {user!r}")')
    assert "order=order.id, user=user" in finding.message
    assert str(finding).startswith("<string>:1:13: MLG001 ")


def test_columns_count_characters() -> None:
    """An umlaut before the call is one character."""
    (finding,) = lint_source('ä = 1; logger.info(f"{ä}")')
    assert finding.column == 20


@pytest.mark.parametrize(
    "text",
    [
        'logger.info(f"{x}")  # noqa: MLG001',
        'logger.info(f"{x}")  # noqa: E501, MLG001 - as the guide has it',
        'logger.info(f"{x}")  # noqa',
        'logger.info(f"{x}")  # noqa: MLG',
        'logger.info(\n    f"{x}",\n    a=1,\n)  # noqa: MLG001',
        '# ruff: noqa: MLG001\nlogger.info(f"{x}")',
        '# flake8: noqa\nlogger.info(f"{x}")',
    ],
)
def test_comments_silence_a_rule(text: str) -> None:
    """The comments that flake8 and ruff know, on any line of the call."""
    assert codes(text) == []


@pytest.mark.parametrize(
    "text",
    ['logger.info(f"{x}")  # noqa: E501', 'y = 1  # noqa\nlogger.info(f"{x}")', 'logger.info(f"{x} # noqa")'],
)
def test_other_comments_do_not(text: str) -> None:
    """Another rule's, another line's, and what only looks like a comment."""
    assert [code for _, code in codes(text)] == ["MLG001"]


def test_folders_are_searched_and_faults_told(tmp_path: Path) -> None:
    """Hidden folders, environments and excluded paths are left out; what cannot be read is told."""
    for name in ("a.py", "sub/b.py", ".venv/c.py", "build/d.py", "sub/generated/e.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text('logger.info(f"{x}")')
    (tmp_path / "broken.py").write_text("def f(:\n")
    (tmp_path / "coded.py").write_bytes(b"# coding: utf-8\n\xff")
    report = lint_paths([tmp_path, tmp_path / "gone.py"], exclude=["*/generated/*"])
    assert [Path(finding.path).name for finding in report.findings] == ["a.py", "b.py"]
    assert report.files == 2
    assert [(Path(each.path).name, each.line) for each in report.unreadable] == [
        ("broken.py", 1),
        ("coded.py", 0),
        ("gone.py", 0),
    ]


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "maestro_core_logging.lint", *map(str, arguments)]
    return subprocess.run(command, text=True, capture_output=True, check=False, timeout=60)


def test_the_command_prints_places_and_says_by_its_code_what_it_found(tmp_path: Path) -> None:
    """0 for nothing, 1 for findings, 2 for what could not be checked; JSON on demand."""
    good, bad = tmp_path / "good.py", tmp_path / "bad.py"
    good.write_text('logger.info("x", a=1)')
    bad.write_text('\nlogger.info(f"{x}")')
    done = run(good)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "1 file checked: no findings\n")
    done = run(tmp_path)
    assert done.returncode == 1
    assert done.stdout.startswith(f"{bad}:2:13: MLG001 ")
    assert done.stderr == "2 files checked: 1 finding\n"
    done = run("--json", bad)
    told = json.loads(done.stdout)
    assert (done.returncode, told["files"], told["findings"][0]["code"], told["findings"][0]["line"]) == (
        1,
        1,
        "MLG001",
        2,
    )
    done = run(tmp_path / "gone.py")
    assert done.returncode == 2
    assert "gone.py:0: cannot be read: No such file or directory" in done.stderr


def test_flake8_gets_lines_columns_and_the_plugin_s_class() -> None:
    """The protocol of flake8's plugins: columns from 0, the code at the beginning of the text."""
    text = '\nlogger.info(f"{x}")\n'
    ((line, column, words, kind),) = Flake8Checker(ast.parse(text), text.splitlines(True)).run()
    assert (line, column, words[:7], kind) == (2, 12, "MLG001 ", Flake8Checker)
    assert Flake8Checker.version
