"""Learning from corrections: what a tenant teaches a persona, and answers from it."""

from intelligence_service.learning.calibration import Bin, Calibration, expected_error, reliability
from intelligence_service.learning.domain import Example, ExampleStore, Listing, NewExample, Partition, Position, Taught
from intelligence_service.learning.encoder import E5Encoder
from intelligence_service.learning.learner import Learner
from intelligence_service.learning.memory import LearnedMemory, MemoryLimits, PersonaState
from intelligence_service.learning.storage import SqlExampleStore
from intelligence_service.learning.teaching import Lesson, Teacher

__all__ = [
    "Bin",
    "Calibration",
    "E5Encoder",
    "Example",
    "ExampleStore",
    "LearnedMemory",
    "Learner",
    "Lesson",
    "Listing",
    "MemoryLimits",
    "NewExample",
    "Partition",
    "PersonaState",
    "Position",
    "SqlExampleStore",
    "Taught",
    "Teacher",
    "expected_error",
    "reliability",
]
