"""The steps: what the review does outside the workflow's own logic. Documents call them by the same names."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from dependency_review import comparison, inventory, license_texts
from dependency_review._files import write_together
from dependency_review.comparison import Comparison
from dependency_review.inventory import Inventory
from dependency_review.license_texts import LicenseTexts
from dependency_review.report import Report, ReportFiles, render_html, render_json
from dependency_review.sbom import render_sbom
from maestro_core_monitoring import current_trace_id
from maestro_workflow_engine import step

REPORTS = Path(".maestro") / "reports"
"""Where reports go when no folder is named: under it, in a folder named for the run."""


@step(timeout=timedelta(minutes=2))
def take_inventory(paths: list[str] | None) -> Inventory:
    """List every installed distribution; see `inventory.take_inventory`."""
    return inventory.take_inventory(paths)


@step(timeout=timedelta(minutes=1))
def read_license_texts(metadata_path: str) -> LicenseTexts:
    """Read the licence texts of one distribution; see `license_texts.read_license_texts`."""
    return license_texts.read_license_texts(metadata_path)


@step
def compare_licenses(declared: str | None, recognized: str | None) -> Comparison:
    """Compare a recognised licence with the declared one; see `comparison.compare`."""
    return comparison.compare(declared, recognized)


@step(timeout=timedelta(minutes=2))
def write_report(report: Report, output_dir: str | None) -> ReportFiles:
    """Write the report as JSON, HTML and a software bill of materials.

    Args:
        report: What to write; the trace of the run is added to it.
        output_dir: The folder. Default: `.maestro/reports/<run id>` under the working directory of the process.

    Returns:
        Where the files are.

    Raises:
        ReportWriteError: They could not be written; files from before are untouched.
    """
    folder = (Path(output_dir).expanduser() if output_dir else REPORTS / report.run_id).absolute()
    traced = report.model_copy(update={"trace_id": current_trace_id()})
    json_path, html_path, sbom_path = (folder / f"dependency-review.{kind}" for kind in ("json", "html", "cdx.json"))
    write_together({json_path: render_json(traced), html_path: render_html(traced), sbom_path: render_sbom(traced)})
    return ReportFiles(json_path=str(json_path), html_path=str(html_path), sbom_path=str(sbom_path))
