from pathlib import Path

import pytest

from governance_service.policies.domain import InvalidPolicyError, check
from governance_service.policies.files import BUILTIN, policy_files, read_policy
from governance_service.policies.offline import run_tests


def write(folder: Path, *, rules: str | None = None, schema: str | None = None, tests: str | None = None) -> Path:
    source = BUILTIN / "licences.cedar"
    path = folder / "mine.cedar"
    path.write_text(source.read_text() if rules is None else rules)
    if schema != "":
        path.with_suffix(".cedarschema").write_text(schema or source.with_suffix(".cedarschema").read_text())
    if tests is not None:
        (folder / "mine.tests.yaml").write_text(tests)
    return path


def test_the_builtin_policies_pass_their_own_tests() -> None:
    """Each policy that comes along is sound, has tests for every rule, and passes them."""
    found = list(policy_files(BUILTIN))
    assert [path.name for path in found] == ["licences.cedar"]
    for path in found:
        name, source = read_policy(path)
        checked = check(name, source)
        assert checked.failed == ()
        assert source.description
        decided = {rule for result in checked.results for rule in result.rules}
        assert {rule.id for rule in checked.policy.rules} - decided == {"anything-with-approval"}


def test_a_report_tells_passes_failures_and_faults(tmp_path: Path) -> None:
    """Offline, each file is reported: what passed, what failed and why, and what is wrong before anything can be tested."""
    write(tmp_path, tests="- {name: wrong, principal: {type: Service, id: s}, action: use, resource: {type: Distribution, id: d, attributes: {licenses: [MIT], confidence: 1.0}}, expect: deny}")  # fmt: skip
    (tmp_path / "other.cedar").write_text("permit(")
    mine, other = run_tests(str(tmp_path))
    assert (mine["passed"], mine["results"][0]["problem"]) == (
        False,
        "expected deny, got allow (permissive: MIT is permissive.)",
    )
    assert mine["source"]["tests"][0]["name"] == "wrong"
    assert (other["passed"], other["faults"][0]["path"]) == (False, "other.cedarschema")
    (builtin,) = run_tests(str(BUILTIN / "licences.cedar"))
    assert builtin["passed"]


@pytest.mark.parametrize(
    ("wrong", "path"),
    [
        ({"schema": ""}, "mine.cedarschema"),
        ({"tests": "a: [b"}, "mine.tests.yaml"),
        ({"tests": "just: this"}, "mine.tests.yaml"),
        ({"tests": "[" * 1_000}, "mine.tests.yaml"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path: Path, wrong: dict[str, str], path: str) -> None:
    """A file that is missing, or is not what it should be, is named."""
    rules = write(tmp_path, **wrong)
    with pytest.raises(InvalidPolicyError) as caught:
        read_policy(rules)
    assert [fault.path for fault in caught.value.faults] == [path]


def test_bytes_that_are_no_text_are_named(tmp_path: Path) -> None:
    """A file of rules that is no UTF-8 is a fault, not a crash; a place where nothing is says so."""
    rules = write(tmp_path)
    rules.write_bytes(b"\xff\xfe")
    with pytest.raises(InvalidPolicyError, match=r"mine\.cedar"):
        read_policy(rules)
    with pytest.raises(FileNotFoundError):
        run_tests(str(tmp_path / "nowhere"))
