"""Panels of a Grafana dashboard, laid out from left to right and top to bottom."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

_WIDTH: Final = 24
DATASOURCE: Final = {"type": "prometheus", "uid": "${datasource}"}


@dataclass(frozen=True, slots=True)
class Query:
    """One query of a panel."""

    expr: str
    """PromQL."""
    legend: str = ""
    """How its series are called; `{{route}}` is replaced by the label."""
    exemplars: bool = False
    """Whether examples with trace ids are shown."""
    instant: bool = False
    """Whether only the latest value is wanted."""


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel."""

    title: str
    """Its heading."""
    queries: Sequence[Query]
    """What it shows."""
    kind: str = "timeseries"
    """`timeseries`, `stat`, `state-timeline` or `heatmap`."""
    unit: str = "short"
    """Grafana's name of the unit."""
    description: str = ""
    """What it means, shown beside the heading."""
    width: int = 8
    """In columns of 24."""
    height: int = 8
    """In rows of 30 pixels."""
    stacked: bool = False
    """Whether series stand on one another."""
    steps: Sequence[tuple[float, str]] = field(default_factory=tuple)
    """From which value on which colour, ascending; the first holds for everything below, too."""
    maximum: float | None = None
    """Upper end of the axis."""
    minimum: float | None = 0
    """Lower end of the axis."""
    decimals: int | None = None
    """Digits after the point."""

    def document(self, number: int, x: int, y: int) -> dict[str, Any]:
        """Return the panel as Grafana has it."""
        return {
            "id": number,
            "type": self.kind,
            "title": self.title,
            **({"description": self.description} if self.description else {}),
            "datasource": DATASOURCE,
            "gridPos": {"h": self.height, "w": self.width, "x": x, "y": y},
            "targets": [self._target(position, query) for position, query in enumerate(self.queries)],
            "fieldConfig": {"defaults": self._field(), "overrides": []},
            "options": self._options(),
        }

    def _target(self, position: int, query: Query) -> dict[str, Any]:
        return {
            "refId": chr(ord("A") + position),
            "datasource": DATASOURCE,
            "expr": query.expr,
            "legendFormat": query.legend or "__auto",
            "range": not query.instant,
            "instant": query.instant,
            **({"exemplar": True} if query.exemplars else {}),
            **({"format": "heatmap"} if self.kind == "heatmap" else {}),
        }

    def _field(self) -> dict[str, Any]:
        steps = self.steps or [(0, "green")]
        defaults: dict[str, Any] = {
            "unit": self.unit,
            "color": {"mode": "thresholds" if self.steps else "palette-classic"},
            "thresholds": {"mode": "absolute", "steps": [{"value": value, "color": color} for value, color in steps]},
        }
        for name in ("minimum", "maximum", "decimals"):
            if (value := getattr(self, name)) is not None and self.kind != "heatmap":
                defaults[{"minimum": "min", "maximum": "max"}.get(name, name)] = value
        if self.kind == "timeseries":
            defaults["custom"] = {
                "drawStyle": "line",
                "lineWidth": 1,
                "fillOpacity": 15 if self.stacked else 5,
                "showPoints": "never",
                "stacking": {"mode": "normal" if self.stacked else "none", "group": "A"},
            }
        if self.kind == "state-timeline":
            defaults["custom"] = {"fillOpacity": 80, "lineWidth": 0}
            defaults["mappings"] = [
                {
                    "type": "value",
                    "options": {
                        "0": {"text": "fails", "color": "red", "index": 0},
                        "1": {"text": "passes", "color": "green", "index": 1},
                    },
                }
            ]
        return defaults

    def _options(self) -> dict[str, Any]:
        match self.kind:
            case "stat":
                return {
                    "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
                    "colorMode": "value",
                    "graphMode": "area",
                    "textMode": "auto",
                }
            case "state-timeline":
                return {"showValue": "never", "rowHeight": 0.9, "mergeValues": True}
            case "heatmap":
                return {
                    "calculate": False,
                    "cellGap": 1,
                    "yAxis": {"unit": self.unit},
                    "exemplars": {"color": "orange"},
                }
            case _:
                return {
                    "legend": {"displayMode": "table", "placement": "bottom", "calcs": ["mean", "max", "lastNotNull"]},
                    "tooltip": {"mode": "multi", "sort": "desc"},
                }


@dataclass(frozen=True, slots=True)
class Row:
    """A row of panels under a heading."""

    title: str
    """The heading."""
    panels: Sequence[Panel]
    """What is in it."""


def laid_out(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Give every panel its place and its number.

    Args:
        rows: In their order.

    Returns:
        Panels as Grafana has them, rows among them.
    """
    documents: list[dict[str, Any]] = []
    y = 0
    for row in rows:
        place = {"h": 1, "w": _WIDTH, "x": 0, "y": y}
        documents.append(
            {
                "id": len(documents) + 1,
                "type": "row",
                "title": row.title,
                "collapsed": False,
                "gridPos": place,
                "panels": [],
            }
        )
        y += 1
        x = tallest = 0
        for panel in row.panels:
            if x + panel.width > _WIDTH:
                x, y, tallest = 0, y + tallest, 0
            documents.append(panel.document(len(documents) + 1, x, y))
            x, tallest = x + panel.width, max(tallest, panel.height)
        y += tallest
    return documents
