"""The page docs/monitoring.md: its examples work, and its tables say what there is."""

import asyncio
import re
import subprocess
import sys
from pathlib import Path

from maestro_core_monitoring import MetricsCollector, Objectives
from maestro_core_monitoring.generate import declaration_of, rules

DOCS = Path(__file__).parents[3] / "docs"
PAGE = (DOCS / "monitoring.md").read_text("utf-8")


def run(*arguments: str) -> None:
    """Run Python in the folder of the examples."""
    done = subprocess.run(
        [sys.executable, "-B", "-W", "error", *arguments],
        check=False,
        capture_output=True,
        text=True,
        timeout=100,
        cwd=DOCS / "monitoring",
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_example_runs() -> None:
    """As a program that ends well."""
    run("orders.py")


def test_the_example_of_a_test_passes() -> None:
    """As a test beside the code that it tests."""
    run("-m", "pytest", "-q", "-p", "no:cacheprovider", "-o", "addopts=", "-o", "asyncio_mode=auto", "test_shipping.py")


async def test_the_table_of_metrics_is_complete() -> None:
    """Every metric that a service has is in the table, with its labels, and none that it does not have."""
    metrics = MetricsCollector("orders")
    metrics.watch_disk("data", DOCS)
    async with metrics.runtime_watched():
        await asyncio.sleep(0)
    rows = re.findall(r"^\| (`\w+`(?:, `\w+`)*) \|([^|]*)\| (?:counter|gauge|histogram)? ?\|", PAGE, re.MULTILINE)
    table = {name: labels.strip("` ").split() for names, labels in rows for name in re.findall(r"\w+", names)}
    process = {metric.name for metric in metrics.registry.collect() if metric.name.startswith("process_")}
    assert {name.removesuffix("_total") for name in table if name.startswith("process_")} == process
    declared = {metric.name: list(metric.labels) for metric in metrics.declared}
    assert {name: labels for name, labels in table.items() if not name.startswith("process_")} == declared


def test_the_table_of_alerts_is_complete() -> None:
    """Every alert that is generated is in the table with its severity, and no other."""
    document = rules(declaration_of(MetricsCollector("orders", objectives=Objectives())))
    generated = {
        (rule["alert"], rule["labels"]["severity"])
        for group in document["groups"]
        for rule in group["rules"]
        if "alert" in rule
    }
    assert set(re.findall(r"^\| `(\w+)` \| [^|]+ \| (page|ticket) \|$", PAGE, re.MULTILINE)) == generated
