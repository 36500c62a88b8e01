"""Prometheus's own checker of rules, from Debian's package `prometheus`."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

PROMTOOL = shutil.which("promtool")
needs_promtool = pytest.mark.skipif(PROMTOOL is None, reason="promtool is missing: apt-get install prometheus")


def check_rules(folder: Path, document: dict[str, Any]) -> None:
    """Let promtool read rules; its complaint is the error."""
    file = folder / "checked.yaml"
    file.write_text(json.dumps(document), "utf-8")
    _run("check", "rules", "--lint=all", "--lint-fatal", str(file))


def check_queries(folder: Path, queries: list[str]) -> None:
    """Let promtool read the queries of a dashboard, its variables replaced as Grafana does it."""
    for name, value in (("$__rate_interval", "1m"), ("$instance", ".*"), ("$job", ".*")):
        queries = [query.replace(name, value) for query in queries]
    rules = [{"record": f"query:{number}", "expr": query} for number, query in enumerate(queries)]
    check_rules(folder, {"groups": [{"name": "queries", "rules": rules}]})


def check_values(
    folder: Path, rules: str, series: dict[str, str], query: str, at: str, expected: list[tuple[str, float]]
) -> None:
    """Let promtool evaluate rules over made-up series.

    Args:
        folder: Where to put files.
        rules: The rule file's text.
        series: Selectors of single series → values in promtool's notation, one a minute.
        query: What to ask for then.
        at: When, since the beginning.
        expected: Labels and value of every sample that the query must give.
    """
    (folder / "rules.yaml").write_text(rules, "utf-8")
    document = {
        "rule_files": ["rules.yaml"],
        "evaluation_interval": "5m",
        "tests": [
            {
                "interval": "1m",
                "input_series": [{"series": name, "values": values} for name, values in series.items()],
                "promql_expr_test": [
                    {
                        "expr": query,
                        "eval_time": at,
                        "exp_samples": [{"labels": labels, "value": value} for labels, value in expected],
                    }
                ],
            }
        ],
    }
    file = folder / "test.yaml"
    file.write_text(json.dumps(document), "utf-8")
    _run("test", "rules", str(file))


def _run(*arguments: str) -> None:
    assert PROMTOOL is not None
    done = subprocess.run([PROMTOOL, *arguments], check=False, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stdout + done.stderr
