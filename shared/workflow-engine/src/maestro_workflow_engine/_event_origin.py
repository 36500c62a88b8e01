"""What an event that a run publishes carries out of the engine besides: the run, and the trace that the run belongs to.

Source: the CloudEvents extensions "Distributed Tracing" (`traceparent`) and "Partitioning" (`partitionkey`).
"""

from __future__ import annotations

import msgspec


def with_origin(event: bytes | msgspec.Raw, run_id: str, trace: str | None) -> msgspec.Raw:
    """Add the origin to an event that leaves the engine; what the event says of it itself stays.

    Runs that listen get the event without it, so that a replay of what was recorded earlier sees the same.

    Args:
        event: A CloudEvent in its JSON form.
        run_id: The run that publishes it: those who keep the order of keys then keep that of a run's events.
        trace: The run's W3C traceparent; None when it was started outside any trace.

    Returns:
        The event in its JSON form.
    """
    # The values stay as they are written; only the attributes are looked at.
    attributes: dict[str, msgspec.Raw] = msgspec.json.decode(event, type=dict[str, msgspec.Raw])
    attributes.setdefault("partitionkey", msgspec.Raw(msgspec.json.encode(run_id)))
    if trace is not None:
        attributes.setdefault("traceparent", msgspec.Raw(msgspec.json.encode(trace)))
    return msgspec.Raw(msgspec.json.encode(attributes))
