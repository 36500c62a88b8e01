"""Name the lines that put values into an event's words: `python -m maestro_core_logging.lint PATH…`.

An event whose words vary cannot be counted, searched or limited, and what was put into it is no field any more.
"""

from maestro_core_logging.lint._files import LintReport, UnreadableFile, lint_paths
from maestro_core_logging.lint._finding import RULES, Finding
from maestro_core_logging.lint._flake8 import Flake8Checker
from maestro_core_logging.lint._report import as_json, as_text, exit_code, summary
from maestro_core_logging.lint._source import lint_source

__all__ = [
    "RULES",
    "Finding",
    "Flake8Checker",
    "LintReport",
    "UnreadableFile",
    "as_json",
    "as_text",
    "exit_code",
    "lint_paths",
    "lint_source",
    "summary",
]
