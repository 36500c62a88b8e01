"""`python -m maestro_core_logging.lint PATH…`."""

import argparse
import json
import sys

from maestro_core_logging.lint import RULES, as_json, as_text, exit_code, lint_paths, summary


def main() -> int:
    """Check the files that the command line names."""
    rules = "\n".join(f"  {code}  {words}" for code, words in RULES.items())
    parser = argparse.ArgumentParser(
        prog="python -m maestro_core_logging.lint",
        description="Name the log calls that put values into an event's words instead of fields.",
        epilog=f"rules (silence one with `# noqa: CODE` on its line):\n{rules}\n\n"
        "exit code: 0 nothing found, 1 findings, 2 a file could not be checked",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("paths", nargs="+", metavar="PATH", help="a file, or a folder with *.py")
    parser.add_argument("--exclude", action="append", default=[], metavar="GLOB", help="leave out paths that match")
    parser.add_argument("--json", action="store_true", help="print JSON")
    given = parser.parse_args()
    report = lint_paths(given.paths, exclude=given.exclude)
    sys.stdout.write(json.dumps(as_json(report), indent=2) + "\n" if given.json else as_text(report))
    for file in report.unreadable:
        print(f"{file.path}:{file.line}: {file.reason}", file=sys.stderr)
    if not given.json:
        print(summary(report), file=sys.stderr)
    return exit_code(report)


if __name__ == "__main__":
    sys.exit(main())
