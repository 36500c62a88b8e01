"""The table of workflow patterns and its tests say the same."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "workflow-engine" / "patterns.md"
TESTS = ROOT / "shared" / "workflow-engine" / "tests" / "patterns"
ROW = re.compile(
    r"^\| (\d+) \| ([^|]+) \| (supported|partly|not) \| ([^|]+) \| (?:\[`(\w+)`\]\((\S+)\))? ?\|$", re.MULTILINE
)

# By N. Russell et al., BPM Center Report BPM-06-22, 2006.
NAMES = {
    1: "Sequence", 2: "Parallel Split", 3: "Synchronization", 4: "Exclusive Choice", 5: "Simple Merge", 6: "Multi-Choice",
    7: "Structured Synchronizing Merge", 8: "Multi-Merge", 9: "Structured Discriminator", 10: "Arbitrary Cycles",
    11: "Implicit Termination", 12: "Multiple Instances without Synchronization",
    13: "Multiple Instances with a Priori Design-Time Knowledge", 14: "Multiple Instances with a Priori Run-Time Knowledge",
    15: "Multiple Instances without a Priori Run-Time Knowledge", 16: "Deferred Choice", 17: "Interleaved Parallel Routing",
    18: "Milestone", 19: "Cancel Activity", 20: "Cancel Case", 21: "Structured Loop", 22: "Recursion", 23: "Transient Trigger",
    24: "Persistent Trigger", 25: "Cancel Region", 26: "Cancel Multiple Instance Activity",
    27: "Complete Multiple Instance Activity", 28: "Blocking Discriminator", 29: "Cancelling Discriminator",
    30: "Structured Partial Join", 31: "Blocking Partial Join", 32: "Cancelling Partial Join", 33: "Generalised AND-Join",
    34: "Static Partial Join for Multiple Instances", 35: "Cancelling Partial Join for Multiple Instances",
    36: "Dynamic Partial Join for Multiple Instances", 37: "Acyclic Synchronizing Merge", 38: "General Synchronizing Merge",
    39: "Critical Section", 40: "Interleaved Routing", 41: "Thread Merge", 42: "Thread Split", 43: "Explicit Termination",
}  # fmt: skip


def rows() -> list[tuple[str, ...]]:
    return ROW.findall(PAGE.read_text("utf-8"))


def functions() -> dict[str, Path]:
    """The tests there are, by name."""
    return {
        node.name: path
        for path in TESTS.glob("test_*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.AsyncFunctionDef) and node.name.startswith("test_")
    }


def test_the_43_patterns_are_there_once_each_by_their_names():
    """Every pattern of the report has one row, with the report's number and name."""
    assert sorted(int(number) for number, *_ in rows()) == list(range(1, 44))
    assert {int(number): name for number, name, *_ in rows()} == NAMES


def test_every_pattern_that_is_supported_at_all_has_its_test():
    """The test of a row exists where the row says, and bears the pattern's number; "not" has none."""
    there = functions()
    for number, name, verdict, _, test, link in rows():
        if verdict == "not":
            assert test == "", name
        else:
            assert test.startswith(f"test_{int(number):02d}_"), name
            assert there[test] == (PAGE.parent / link).resolve(), name


def test_no_test_is_of_a_pattern_that_is_not_there():
    """Every test bears the number of a row that is not "not"."""
    numbers = {int(number) for number, _, verdict, *_ in rows() if verdict != "not"}
    assert {int(name.split("_")[1]) for name in functions()} == numbers


def test_the_page_counts_right():
    """The sentence at the top says what the table says."""
    verdicts = [row[2] for row in rows()]
    counts = [verdicts.count(verdict) for verdict in ("supported", "partly", "not")]
    assert "**{} are supported, {} partly, {} not.**".format(*counts) in PAGE.read_text("utf-8")
