from maestro_workflow_engine import WorkflowError, lint


def test_public_names_are_pinned():
    """What users import changes only on purpose."""
    assert lint.__all__ == [
        "RULES", "Finding", "LintReport", "LintSourceError", "Rule", "as_json", "as_text", "exit_code", "lint_paths",
        "lint_source", "summary",
    ]  # fmt: skip
    for name in lint.__all__:
        assert hasattr(lint, name)


def test_rule_codes_are_stable():
    """Suppressions and programs name rules by code: none is renamed or used twice."""
    assert [rule.code for rule in lint.RULES] == [
        "MWF101", "MWF102", "MWF103", "MWF201", "MWF202", "MWF203", "MWF301", "MWF401", "MWF402", "MWF403", "MWF404",
        "MWF405", "MWF501", "MWF502", "MWF503", "MWF504", "MWF601", "MWF602", "MWF701", "MWF901",
    ]  # fmt: skip


def test_the_error_belongs_to_the_engines_tree():
    """A caller that catches WorkflowError catches an unreadable source, too."""
    assert issubclass(lint.LintSourceError, WorkflowError)
    assert lint.LintSourceError.code == "LINT_SOURCE_INVALID"
