"""A static check that names the lines of workflow code that would not do the same in every replay.

    python -m maestro_workflow_engine.lint src/

Judged is what `@workflow` functions reach; `@step` functions are free. A comment `# deterministic: <reason>` on a line, or right
above it, silences the rules for it.
"""

from maestro_workflow_engine.lint._errors import LintSourceError
from maestro_workflow_engine.lint._finding import Finding
from maestro_workflow_engine.lint._lint import LintReport, lint_paths, lint_source
from maestro_workflow_engine.lint._report import as_json, as_text, exit_code, summary
from maestro_workflow_engine.lint._rules import RULES, Rule

__all__ = [
    "RULES",
    "Finding",
    "LintReport",
    "LintSourceError",
    "Rule",
    "as_json",
    "as_text",
    "exit_code",
    "lint_paths",
    "lint_source",
    "summary",
]
