"""Reading what `/metrics` shows, as far as scorecards need it.

Format: https://prometheus.io/docs/instrumenting/exposition_formats
"""

import math
import re
from typing import Final

from ._facts import Metrics, Sample

_FAMILY: Final = re.compile(r"# TYPE (\S+) \S+")
_SAMPLE: Final = re.compile(r"([A-Za-z_:][\w:]*)(?:\{(.*)\})? (\S+)(?: \S+)?")
_LABEL: Final = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


def read_metrics(text: str) -> Metrics:
    """Read an exposition; lines that are none are passed over.

    Args:
        text: The exposition.

    Returns:
        Its metrics.
    """
    families: set[str] = set()
    samples: list[Sample] = []
    for line in text.splitlines():
        if (family := _FAMILY.match(line)) is not None:
            families.add(family[1])
        elif (sample := _SAMPLE.fullmatch(line)) is not None:
            name, labels, value = sample.groups()
            found = _number(value)
            if found is not None:
                samples.append(Sample(name, dict(_LABEL.findall(labels or "")), found))
    return Metrics(frozenset(families), tuple(samples))


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
