"""The rules: their codes, what is wrong, and what to use instead."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of thing that a workflow must not do."""

    code: str
    """Stable: programs and suppressions name it."""

    title: str
    """A few words."""

    because: str
    """Completes a sentence that begins with what was found."""

    instead: str
    """What to do."""

    def message(self, found: str) -> str:
        """Tell about something that was found.

        Args:
            found: It, as in the code.

        Returns:
            One sentence.
        """
        return f"{found} {self.because}: {self.instead}"


CLOCK: Final = Rule("MWF101", "clock", "reads the clock, which differs in a replay", "use now()")
BLOCKING_SLEEP: Final = Rule(
    "MWF102", "blocking sleep", "blocks every run of the process", "use await asyncio.sleep(...), a durable timer"
)
LOCAL_ZONE: Final = Rule(
    "MWF103", "local time zone", "depends on the machine's time zone", "name a zone, such as UTC; now() is in UTC"
)
RANDOM: Final = Rule("MWF201", "chance", "differs in a replay", "use random(), or random.Random(seed)")
SECRET: Final = Rule(
    "MWF202", "secret chance", "cannot be repeated in a replay", "use uuid4() or random(), or draw it in a @step"
)
UUID: Final = Rule("MWF203", "identifier by chance", "differs in a replay", "use uuid4() of maestro_workflow_engine")
ENVIRONMENT: Final = Rule(
    "MWF301",
    "environment",
    "depends on the process that runs the workflow",
    "pass it in as an argument, or read it in a @step",
)
FILES: Final = Rule("MWF401", "files", "reads or writes files", "put it into a @step")
NETWORK: Final = Rule("MWF402", "network", "uses the network", "put it into a @step")
PROCESSES: Final = Rule("MWF403", "processes", "starts or steers processes", "put it into a @step")
DATABASE: Final = Rule("MWF404", "databases", "talks to a database", "put it into a @step")
INPUT: Final = Rule("MWF405", "standard input", "waits for a person at a terminal", "use receive(), or a @step")
THREADS: Final = Rule(
    "MWF501",
    "threads",
    "uses threads, whose order differs in a replay",
    "put it into a @step (a plain one runs in a thread)",
)
MADE_BY_HAND: Final = Rule(
    "MWF502",
    "task or future made by hand",
    "hashes by its address, so that sets of it have another order in a replay",
    "use asyncio.create_task(...) or asyncio.get_running_loop().create_future()",
)
OWN_LOOP: Final = Rule(
    "MWF503", "event loop of its own", "leaves the workflow's event loop", "await the coroutine, or put it into a @step"
)
STEP_ONLY: Final = Rule(
    "MWF504", "call of a step", "works only inside a running step", "call it in the @step that it is about"
)
SET_ORDER: Final = Rule(
    "MWF601", "order of a set", "has another order in every process", "use sorted(...), or a list or dict"
)
HASH: Final = Rule(
    "MWF602", "address or hash", "differs from process to process", "use a key of your own, or hashlib for a digest"
)
GLOBAL_STATE: Final = Rule(
    "MWF701",
    "global state",
    "changes what other runs and replays see",
    "keep it in a local variable, publish() it, or write it in a @step",
)
NO_REASON: Final = Rule("MWF901", "suppression without a reason", "has no reason", "write '# deterministic: <reason>'")

RULES: Final = (
    CLOCK, BLOCKING_SLEEP, LOCAL_ZONE, RANDOM, SECRET, UUID, ENVIRONMENT, FILES, NETWORK, PROCESSES, DATABASE, INPUT,
    THREADS, MADE_BY_HAND, OWN_LOOP, STEP_ONLY, SET_ORDER, HASH, GLOBAL_STATE, NO_REASON,
)  # fmt: skip
"""Every rule, by code."""
