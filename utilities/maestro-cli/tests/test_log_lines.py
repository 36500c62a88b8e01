from maestro_cli._log_lines import readable


def test_json_line() -> None:
    """A JSON line shows level, event and its own fields, without what every line repeats."""
    line = (
        '{"timestamp":"2026-01-02T03:04:05.123456Z","level":"warning","logger":"a","service":"s","event":"Slow","ms":7}'
    )

    text = readable(line).plain

    assert text.endswith(":05.123 warning  Slow ms=7")


def test_other_line() -> None:
    """A line that is not one of our log's is shown as it is."""
    for line in ("Traceback (most recent call last):", "[1, 2]", "{broken", '{"no": "event"}', ""):
        assert readable(line).plain == line


def test_line_with_an_exception() -> None:
    """The exception of a line is shown below it, by type and message."""
    line = '{"event":"Failed","level":"error","exception":[{"exc_type":"ValueError","exc_value":"no such thing"}]}'

    assert readable(line).plain.endswith("\n    ValueError: no such thing")


def test_markup_is_not_interpreted() -> None:
    """Square brackets in a log are shown, not taken for colours."""
    assert "[bold]x[/bold]" in readable('{"event":"[bold]x[/bold]"}').plain
