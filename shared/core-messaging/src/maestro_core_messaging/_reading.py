"""Reading an event as the version that the consumer knows."""

from typing import Any, Final, TypeVar

from pydantic import ValidationError
from pydantic_core import to_json

from maestro_core_messaging._errors import IncompatibleEventError
from maestro_core_messaging._event import Event
from maestro_core_messaging._event_type import EventType

D = TypeVar("D")
_MOST_PROBLEMS: Final = 10
_MOST_STEPS: Final = 1_000
"""A version that is further away than this is a mistake, not a history."""


def read_as(event: Event[Any], wanted: EventType[D]) -> Event[D]:
    """Bring an event to the version that is wanted, step by step, and check it.

    An event without a version is taken for one of the wanted version.

    Args:
        event: With JSON values as its data.
        wanted: The type that the consumer reads.

    Returns:
        The event with checked data.

    Raises:
        IncompatibleEventError: It cannot be brought there, or does not fit.
    """
    version = event.version or wanted.version
    data = _converted(event.data, version, wanted)
    try:
        # As JSON, so that strict models take times and identifiers, which JSON has as text.
        checked = wanted.adapter.validate_json(to_json(data))
    except ValidationError as error:
        problems = problems_of(error)
        raise IncompatibleEventError(
            f"{wanted.name} version {version} cannot be read as version {wanted.version}: {'; '.join(problems)}",
            event_type=wanted.name,
            version=version,
            wanted=wanted.version,
            problems=problems,
        ) from error
    return event.with_data(checked, wanted.schema_uri)


def problems_of(error: ValidationError) -> tuple[str, ...]:
    """Tell what does not fit, without the values: they may be secret."""
    found = error.errors(include_input=False, include_url=False, include_context=False)
    return tuple(
        f"{'.'.join(map(str, problem['loc'])) or 'data'}: {problem['msg']}" for problem in found[:_MOST_PROBLEMS]
    )


def _converted(data: Any, version: int, wanted: EventType[Any]) -> Any:
    step = 1 if version < wanted.version else -1
    converters = wanted.upcasters if step == 1 else wanted.downcasters
    if abs(version - wanted.version) > _MOST_STEPS:
        raise _no_way(version, wanted, f"version {version} is out of all proportion")
    for known in range(version, wanted.version, step):
        convert = converters.get(known)
        if convert is None:
            continue
        try:
            data = convert(data)
        except Exception as error:
            raise _no_way(
                version, wanted, f"the converter from version {known} failed: {type(error).__name__}"
            ) from error
    return data


def _no_way(version: int, wanted: EventType[Any], problem: str) -> IncompatibleEventError:
    return IncompatibleEventError(
        f"{wanted.name} version {version} cannot be read as version {wanted.version}: {problem}",
        event_type=wanted.name,
        version=version,
        wanted=wanted.version,
        problems=(problem,),
    )
