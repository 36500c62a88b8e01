"""Testing policies in files without a service; `maestro policy test` finds it by the entry point group `maestro.policies`."""

from pathlib import Path
from typing import Any

from governance_service.policies.domain import InvalidPolicyError, check
from governance_service.policies.files import policy_files, read_policy


def run_tests(place: str) -> list[dict[str, Any]]:
    """Compile policies and run their tests.

    Args:
        place: A `.cedar` file, or a folder of them.

    Returns:
        For each policy `{policy, path, passed, faults: [{path, message}], results: [{name, passed, expect, got, rules, problem}],
        source: {text, schema, tests, description}}`; with `faults` there are no results, and without files there is no source.

    Raises:
        FileNotFoundError: There is no such file or folder.
    """
    return [_tested(path) for path in policy_files(Path(place))]


def _tested(path: Path) -> dict[str, Any]:
    name = path.name.removesuffix(".cedar")
    report: dict[str, Any] = {
        "policy": name,
        "path": str(path),
        "passed": False,
        "faults": [],
        "results": [],
        "source": None,
    }
    try:
        _, source = read_policy(path)
        report["source"] = {
            "text": source.text,
            "schema": source.schema,
            "tests": list(source.tests),
            "description": source.description,
        }
        checked = check(name, source)
    except InvalidPolicyError as error:
        return {**report, "faults": [{"path": fault.path, "message": fault.message} for fault in error.faults]}
    results = [
        {
            "name": one.name,
            "passed": one.problem is None,
            "expect": one.expect.value,
            "got": None if one.got is None else one.got.value,
            "rules": list(one.rules),
            "problem": one.problem,
        }
        for one in checked.results
    ]
    return {**report, "passed": not checked.failed, "results": results}
