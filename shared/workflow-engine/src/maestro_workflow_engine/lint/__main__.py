"""`python -m maestro_workflow_engine.lint PATH…`."""

import argparse
import json
import sys

from maestro_workflow_engine.lint import as_json, as_text, exit_code, lint_paths, summary


def main() -> int:
    """Check the files that the command line names."""
    parser = argparse.ArgumentParser(
        prog="python -m maestro_workflow_engine.lint",
        description="Name the lines of workflow code that would not do the same in every replay.",
        epilog="Exit code: 0 nothing found, 1 findings, 2 a file could not be checked.",
    )
    parser.add_argument("paths", nargs="+", metavar="PATH", help="a file, or a folder with *.py")
    parser.add_argument("--json", action="store_true", help="print JSON")
    given = parser.parse_args()
    report = lint_paths(given.paths)
    sys.stdout.write(json.dumps(as_json(report), indent=2) + "\n" if given.json else as_text(report))
    for error in report.unreadable:
        print(error, file=sys.stderr)
    if not given.json:
        print(summary(report), file=sys.stderr)
    return exit_code(report)


if __name__ == "__main__":
    sys.exit(main())
