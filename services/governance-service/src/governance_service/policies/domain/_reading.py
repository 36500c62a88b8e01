"""Questions and tests, read from JSON."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from ._errors import Fault, PolicyError
from ._sources import JSON, Entity, Outcome, PolicyTest, Question

_MAX_ENTITIES: Final = 200
_MAX_PARENT_DEPTH: Final = 8
_MAX_VALUE_DEPTH: Final = 32
_QUESTION: Final = frozenset({"principal", "action", "resource", "context", "entities"})
_TEST: Final = _QUESTION | {"name", "expect", "rules"}


class UnreadableError(PolicyError):
    """JSON that is no question or test.

    Args:
        path: Where it is wrong.
        message: What is wrong.
    """

    code = "INVALID_DECISION_REQUEST"

    def __init__(self, path: str, message: str) -> None:
        super().__init__(f"{path}: {message}" if path else message)
        self.path = path
        self.message = message


def read_question(value: JSON, path: str = "") -> Question:
    """Read a question.

    Args:
        value: `{principal, action, resource, context?, entities?}`; an entity is `{type, id, attributes?, parents?}`.
        path: Where it stands, for messages.

    Returns:
        The question.

    Raises:
        UnreadableError: It is none.
    """
    members = _members(value, path, _QUESTION)
    entities = members.get("entities") or []
    if not isinstance(entities, list) or len(entities) > _MAX_ENTITIES:
        raise UnreadableError(_at(path, "entities"), f"must be a list of at most {_MAX_ENTITIES} entities")
    return Question(
        principal=_entity(members.get("principal"), _at(path, "principal")),
        action=_text(members.get("action"), _at(path, "action")),
        resource=_entity(members.get("resource"), _at(path, "resource")),
        context=_object(members.get("context"), _at(path, "context")),
        entities=tuple(_entity(entity, _at(path, f"entities[{at}]")) for at, entity in enumerate(entities)),
    )


def read_tests(values: Sequence[JSON]) -> tuple[tuple[PolicyTest, ...], list[Fault]]:
    """Read the tests of a policy.

    Args:
        values: Each a question with `name`, `expect` (`allow`, `deny` or `needs_approval`) and, if it matters, `rules`.

    Returns:
        The tests, and what is wrong with those that are none.
    """
    tests: list[PolicyTest] = []
    faults: list[Fault] = []
    for at, value in enumerate(values):
        try:
            tests.append(_test(value, f"tests[{at}]"))
        except UnreadableError as error:
            faults.append(Fault(error.path, error.message))
    return tuple(tests), faults


def write_question(question: Question) -> dict[str, JSON]:
    """Write a question as `read_question` reads it.

    Args:
        question: The question.

    Returns:
        JSON.
    """
    written: dict[str, JSON] = {
        "principal": _written(question.principal),
        "action": question.action,
        "resource": _written(question.resource),
    }
    if question.context:
        written["context"] = dict(question.context)
    if question.entities:
        written["entities"] = [_written(entity) for entity in question.entities]
    return written


def _test(value: JSON, path: str) -> PolicyTest:
    members = _members(value, path, _TEST)
    name = _text(members.get("name"), _at(path, "name"))
    expected = {str(outcome): outcome for outcome in Outcome}.get(str(members.get("expect")))
    if expected is None:
        raise UnreadableError(_at(path, "expect"), f"must be one of {', '.join(Outcome)}")
    rules = members.get("rules")
    if rules is not None and not (isinstance(rules, list) and all(isinstance(rule, str) for rule in rules)):
        raise UnreadableError(_at(path, "rules"), "must be a list of ids of rules")
    question = read_question({key: members[key] for key in _QUESTION & members.keys()}, path)
    return PolicyTest(name, question, expected, None if rules is None else tuple(rules))


def _entity(value: JSON, path: str, depth: int = 0) -> Entity:
    if depth > _MAX_PARENT_DEPTH:
        raise UnreadableError(path, f"parents may be nested {_MAX_PARENT_DEPTH} deep; give the others in 'entities'")
    members = _members(value, path, frozenset({"type", "id", "attributes", "parents"}))
    parents = members.get("parents") or []
    if not isinstance(parents, list) or len(parents) > _MAX_ENTITIES:
        raise UnreadableError(_at(path, "parents"), f"must be a list of at most {_MAX_ENTITIES} entities")
    return Entity(
        type=_text(members.get("type"), _at(path, "type")),
        id=_text(members.get("id"), _at(path, "id")),
        attributes=_object(members.get("attributes"), _at(path, "attributes")),
        parents=tuple(_entity(one, _at(path, f"parents[{at}]"), depth + 1) for at, one in enumerate(parents)),
    )


def _written(entity: Entity) -> dict[str, JSON]:
    written: dict[str, JSON] = {"type": entity.type, "id": entity.id}
    if entity.attributes:
        written["attributes"] = dict(entity.attributes)
    if entity.parents:
        written["parents"] = [_written(parent) for parent in entity.parents]
    return written


def _members(value: JSON, path: str, known: frozenset[str]) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise UnreadableError(path, f"must be an object with {', '.join(sorted(known))}")
    if unknown := sorted(str(name) for name in value.keys() - known):
        raise UnreadableError(_at(path, unknown[0]), f"is not known; there are {', '.join(sorted(known))}")
    return value


def _object(value: JSON, path: str) -> Mapping[str, JSON]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise UnreadableError(path, "must be an object")
    # Level by level: what is nested too deep for recursion is what is refused.
    level: list[JSON] = [value]
    for _ in range(_MAX_VALUE_DEPTH):
        level = [inner for one in level for inner in (one.values() if isinstance(one, Mapping) else one)]
        level = [one for one in level if isinstance(one, Mapping | list)]
    if level:
        raise UnreadableError(path, f"values may be nested {_MAX_VALUE_DEPTH} deep")
    return dict(value)


def _text(value: JSON, path: str) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= 512:
        raise UnreadableError(path, "must be a text of 1 to 512 characters")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise UnreadableError(path, "must be text that has a UTF-8 form") from error
    return value


def _at(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
