"""YAML 1.2 text to a graph of nodes with marks: by libyaml where it reads the text as YAML 1.2 has it, else by ruamel.yaml.

libyaml is some twenty times faster and knows the syntax of YAML 1.1. The two versions differ in what plain text means,
which is decided here for both, in line breaks that YAML 1.2 has given up, in colons in names of anchors, in exclamation
marks in tags, and in corners of the syntax that libyaml refuses. What has one of these is read by ruamel.yaml, whose messages are told, too.
"""

from __future__ import annotations

import re
from typing import Any, Protocol

import yaml
from ruamel.yaml import YAML
from ruamel.yaml.nodes import ScalarNode
from ruamel.yaml.resolver import VersionedResolver
from ruamel.yaml.scanner import RoundTripScanner, ScannerError
from ruamel.yaml.tag import Tag

TAG = "tag:yaml.org,2002:"

_CORE = re.compile(
    r"""
    (?P<null>~|null|Null|NULL|)
  | (?P<bool>true|True|TRUE|false|False|FALSE)
  | (?P<int>[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)
  | (?P<float>[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))
  | (?P<merge><<)
    """,
    re.VERBOSE,
)
"""How the core schema of YAML 1.2 reads plain text (section 10.3.2), and the merge key, which many documents use."""

_ONLY_1_2 = re.compile("[\x85\u2028\u2029]|[&*][^ \\t\\n]*:|![^ \\t\\n]*!")

_TOO_DEEP = "while increasing "
"""How libyaml begins when it refuses to go deeper, into the next flow or block level."""


class Mark(Protocol):
    """A place in the text; line and column count from 0."""

    line: int
    column: int


class YamlNode(Protocol):
    """A node of either reader."""

    id: str
    """ "scalar", "sequence" or "mapping"."""
    tag: Any
    value: Any
    start_mark: Mark


def compose(text: str) -> YamlNode | None:
    """Read one YAML document.

    Args:
        text: The text; JSON is YAML.

    Returns:
        Its root; None when there is nothing in the text.

    Raises:
        ruamel.yaml.error.YAMLError: It is no YAML, or more than one document.
        ValueError: It holds a character that YAML does not allow.
        RecursionError: It is nested too deeply.
    """
    if _Loader is not None and not _ONLY_1_2.search(text):
        try:
            found: YamlNode | None = yaml.compose(text, Loader=_Loader)
        except (yaml.YAMLError, ValueError) as error:
            if str(getattr(error, "context", "")).startswith(_TOO_DEEP):
                raise RecursionError from error  # ruamel.yaml would take seconds to find the same
        else:
            return found
    reader = YAML(typ="rt", pure=True)
    reader.Resolver, reader.Scanner = _Resolver, _Scanner
    reader.composer.warn_double_anchors = (
        False  # an anchor may be given anew (section 7.1); libyaml does not warn either
    )
    node: YamlNode | None = reader.compose(text)
    return node


def core_tag(text: str) -> str:
    """Return the tag of plain text by the core schema of YAML 1.2."""
    match = _CORE.fullmatch(text)
    return f"{TAG}{match.lastgroup}" if match else f"{TAG}str"


class _Resolver(VersionedResolver):
    """Resolves plain text for ruamel.yaml."""

    def resolve(self, kind: type, value: Any, implicit: Any) -> Any:
        if kind is ScalarNode and implicit[0]:
            return Tag(suffix=core_tag(value))
        return super().resolve(kind, value, implicit)


_LONGEST_KEY = 1024
"""Characters that a key without a question mark may take (section 7.4.2)."""


class _Scanner(RoundTripScanner):
    """Looks at the oldest place where a key may have begun, and at no more than it has to.

    ruamel.yaml looks at all of them for every token, and each bracket that is open is one: two kilobytes of brackets take
    it many seconds. The places are kept oldest first, because each is deeper than those before, so that what holds for
    one holds for all that follow.
    """

    def next_possible_simple_key(self) -> Any:
        return next((key.token_number for key in self.possible_simple_keys.values()), None)

    def stale_possible_simple_keys(self) -> None:
        while self.possible_simple_keys:
            level, key = next(iter(self.possible_simple_keys.items()))
            if key.line == self.reader.line and self.reader.index - key.index <= _LONGEST_KEY:
                return
            if key.required:
                problem = "could not find expected ':'"
                raise ScannerError("while scanning a simple key", key.mark, problem, self.reader.get_mark())
            del self.possible_simple_keys[level]


def _loader() -> Any:
    """Make a loader of libyaml that resolves plain text as YAML 1.2 does; None where PyYAML came without libyaml."""
    if not hasattr(yaml, "CSafeLoader"):
        return None

    class Loader(yaml.CSafeLoader):  # type: ignore[misc]  # PyYAML ships no types
        def resolve(self, kind: type, value: Any, implicit: Any) -> str:
            if kind is yaml.ScalarNode:
                return core_tag(value) if implicit[0] else f"{TAG}str"
            return f"{TAG}{'seq' if kind is yaml.SequenceNode else 'map'}"

    return Loader


_Loader: Any = _loader()
