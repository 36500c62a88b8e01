"""The counters of workers that are gone: folded into one file, so that restarts do not fill the folder."""

import json
from dataclasses import asdict
from typing import Any

from ._folder import Folder
from ._keys import metric_from
from ._merging import Merged
from ._reader import WorkerReader


def read_departed(folder: Folder) -> tuple[Merged, frozenset[str]]:
    """Return the counters of workers that are gone, and whose files are among them already."""
    try:
        document = json.loads(folder.departed.read_bytes())
    except FileNotFoundError:
        return Merged(), frozenset()
    merged = Merged()
    for entry in document["metrics"]:
        metric = metric_from(entry["metric"])
        merged.metrics[metric.name] = metric
        merged.numbers[metric.name] = {tuple(labels): numbers for labels, numbers in entry["series"]}
    return merged, frozenset(document["workers"])


def fold_departed(folder: Folder) -> None:
    """Add the counters of dead workers to those of earlier ones, and remove their files.

    Killed at any point, nothing is lost or counted twice: the file that replaces the old one names the workers that are
    in it, and whose files are not to be read any more.

    Args:
        folder: Of the workers; its lock is held by the caller.
    """
    living = {worker.stem for worker in folder.living()}
    merged, included = read_departed(folder)
    dead = [stem for stem in folder.workers() if stem not in living]
    fresh = [stem for stem in dead if stem not in included]
    for stem in fresh:
        reader = WorkerReader(folder.workers()[stem], folder.keys_of(stem))
        try:
            merged.add(reader.series(), with_gauges=False)
        finally:
            reader.close()
    if fresh:
        _write(folder, merged, dead)
    for stem in dead:
        folder.workers()[stem].unlink()
        folder.keys_of(stem).unlink(missing_ok=True)


def _write(folder: Folder, merged: Merged, workers: list[str]) -> None:
    document: dict[str, Any] = {
        "workers": workers,
        "metrics": [
            {"metric": asdict(merged.metrics[name]), "series": list(rows.items())}
            for name, rows in merged.numbers.items()
        ],
    }
    draft = folder.path / "departed.draft"
    draft.write_text(json.dumps(document, allow_nan=True), encoding="utf-8")
    draft.replace(folder.departed)
