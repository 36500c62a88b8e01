"""Moving what has not ended from a journal to another engine: a Temporal cluster, or another journal.

    report = await plan_move(Move(source="sqlite:///runs.db", target="temporal://host:7233/orders", workflows=[fulfil]))
    report = await carry_out(move)

What has ended stays in the journal, which can be opened and read as before. A move that was interrupted, however that was, is
finished by carrying it out again.
"""

from maestro_workflow_engine.moving._draining import Drained, drain
from maestro_workflow_engine.moving._errors import MoveError
from maestro_workflow_engine.moving._move import Move
from maestro_workflow_engine.moving._moving import carry_out, plan_move
from maestro_workflow_engine.moving._report import MovedRun, MovedSchedule, MoveReport, Outcome

__all__ = [
    "Drained",
    "Move",
    "MoveError",
    "MoveReport",
    "MovedRun",
    "MovedSchedule",
    "Outcome",
    "carry_out",
    "drain",
    "plan_move",
]
