"""Answers that obey a JSON Schema."""

import json
from collections.abc import Mapping
from typing import Final, NoReturn

import jsonschema_rs
from pydantic import JsonValue

from intelligence_service.domain.errors import Fault
from intelligence_service.domain.repair import json_in

_MOST_FAULTS = 10
UNWRITABLE: Final = "holds half of a surrogate pair, which is no text that has a UTF-8 form"
"""What is wrong with a value that is not writable."""


def is_writable(value: object) -> bool:
    """Tell whether all texts of a JSON value have a UTF-8 form. JSON can spell half of a surrogate pair, which has none.

    Args:
        value: A JSON value.
    """
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


class AnswerSchema:
    """A JSON Schema, made ready for checking.

    Args:
        schema: The schema, draft 2020-12 unless it names another. References to other documents are refused: a schema
            must not make the service fetch addresses.

    Raises:
        ValueError: It is no valid JSON Schema.
    """

    def __init__(self, schema: Mapping[str, JsonValue]) -> None:
        self._closed = schema.get("additionalProperties") is False
        properties = schema.get("properties")
        self._members = frozenset(properties) if isinstance(properties, dict) else frozenset()
        try:
            self._validator = jsonschema_rs.validator_for(dict(schema), retriever=_refuse)
        except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError) as error:
            raise ValueError(str(error).splitlines()[0]) from error

    def faults(self, answer: JsonValue) -> list[Fault]:
        """Check an answer.

        Args:
            answer: Any JSON value.

        Returns:
            What is wrong with it, at most ten faults; empty when it obeys.
        """
        if not is_writable(answer):
            return [Fault("", UNWRITABLE)]
        found = []
        for error in self._validator.iter_errors(answer):
            found.append(Fault(".".join(str(step) for step in error.instance_path), error.message))
            if len(found) == _MOST_FAULTS:
                break
        return found

    def parse(self, text: str) -> tuple[JsonValue, list[Fault]]:
        """Read and check an answer.

        Args:
            text: What should be JSON, or hold it; see `json_in`. Members that a closed schema does not know are left out.

        Returns:
            The value (None when unreadable) and what is wrong with it.
        """
        try:
            answer = json_in(text)
        except (ValueError, RecursionError) as error:
            return None, [Fault("", f"is not JSON: {error}")]
        if isinstance(answer, dict):
            answer = self.select(answer)
        return answer, self.faults(answer)

    def select(self, answer: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
        """Leave out members that a closed schema does not know.

        Args:
            answer: An answer with everything that could be told.

        Returns:
            The members that the schema has room for; all of them when it is open.
        """
        if not self._closed:
            return dict(answer)
        return {name: value for name, value in answer.items() if name in self._members}


def _refuse(uri: str) -> NoReturn:
    raise ValueError(f"references to other documents are not followed: {uri}")
