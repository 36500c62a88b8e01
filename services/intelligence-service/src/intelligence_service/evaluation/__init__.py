"""How good answers from what was learnt are: accuracy, calibration, confusions, time."""

from intelligence_service.evaluation.dataset import Labelled, read_labelled, some_of_each
from intelligence_service.evaluation.offline import Evaluated, evaluate
from intelligence_service.evaluation.report import Answered, Report, rendered, report

__all__ = [
    "Answered",
    "Evaluated",
    "Labelled",
    "Report",
    "evaluate",
    "read_labelled",
    "rendered",
    "report",
    "some_of_each",
]
