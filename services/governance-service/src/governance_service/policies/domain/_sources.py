"""What a policy is made of, before anybody has looked whether it is sound."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

JSON = Any
"""Any JSON value."""


class Outcome(StrEnum):
    """What a policy says."""

    ALLOW = "allow"
    DENY = "deny"
    NEEDS_APPROVAL = "needs_approval"
    """Allowed as soon as somebody has approved it."""


@dataclass(frozen=True, slots=True)
class Entity:
    """Somebody or something that a question is about."""

    type: str
    """Its type in the policy's schema, `Service` or `Shop::Order`."""
    id: str
    attributes: Mapping[str, JSON] = field(default_factory=dict)
    """What is known of it; numbers with a fraction are decimals of four digits."""
    parents: tuple["Entity", ...] = ()
    """The groups it is in."""


@dataclass(frozen=True, slots=True)
class Question:
    """May somebody do something to something?"""

    principal: Entity
    action: str
    """Its id in the policy's schema."""
    resource: Entity
    context: Mapping[str, JSON] = field(default_factory=dict)
    entities: tuple[Entity, ...] = ()
    """Further ones that rules look at."""


@dataclass(frozen=True, slots=True)
class PolicyTest:
    """A question with the answer that it has to get."""

    name: str
    question: Question
    expect: Outcome
    rules: tuple[str, ...] | None = None
    """Ids of the rules that have to decide; None when it does not matter which."""


@dataclass(frozen=True, slots=True)
class PolicySource:
    """A version of a policy, as somebody wrote it."""

    text: str
    """Rules, in Cedar; each has `@id("…")` and `@text("…")`."""
    schema: str
    """What there is to ask about, as a Cedar schema."""
    tests: tuple[JSON, ...] = ()
    """Its tests, as JSON; they are read together with the policy."""
    description: str = ""

    @property
    def digest(self) -> str:
        """What tells versions apart: a hash of everything in it."""
        parts = [self.text, self.schema, list(self.tests), self.description]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
